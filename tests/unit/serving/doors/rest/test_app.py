"""The Open Inference Protocol's REST routes, over made-up models."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from fairlead.kit.auth import TokenVerifier
from services.serving.domain.requests.limits import RequestLimits
from services.serving.domain.traffic.split import divided
from services.serving.doors.rest.app import OpenInferenceRest, RestLimits
from services.serving.doors.rest.http import Request, Response
from services.serving.doors.rest.model_routes import ModelRoutes
from services.serving.doors.rest.server import HttpServer, listen
from tests.unit.serving.behind_doors import SIZED, SLOW, TELLING, Houses
from tests.unit.serving.houses import source, target, version, with_traffic

TOKEN = "token-of-the-test"
BEARER = {"authorization": f"Bearer {TOKEN}"}
MEGABYTE = 1024 * 1024


@pytest.fixture
def houses() -> Iterator[Houses]:
    houses = Houses()
    yield houses
    houses.close()


@pytest.fixture
def app(houses: Houses) -> Iterator[OpenInferenceRest]:
    limits = RestLimits(MEGABYTE, 30.0, RequestLimits(rows=4, elements=10_000))
    routes = ModelRoutes(houses.inference, "1.0", 30.0)
    app = OpenInferenceRest(houses.inference, TokenVerifier(TOKEN, ""), routes, limits, 2)
    yield app
    app.close()


@pytest.fixture
def rest(app: OpenInferenceRest) -> Iterator[httpx.Client]:
    server = HttpServer(app, listen("127.0.0.1:0"))
    server.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=BEARER) as client:
        yield client
    server.stop()


def house(*rooms: float, **members: Any) -> dict[str, Any]:
    """A request for houses one year old."""
    shape = [len(rooms)]
    inputs = [
        {"name": "rooms", "datatype": "FP64", "shape": shape, "data": list(rooms)},
        {"name": "age", "datatype": "INT64", "shape": shape, "data": [1] * len(rooms)},
    ]
    return {"inputs": inputs, **members}


def infer(rest: httpx.Client, request: Any, model: str = "p.house", **headers: str) -> httpx.Response:
    return rest.post(f"/v2/models/{model}/infer", json=request, headers=headers)


def outputs(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return {output["name"]: output for output in response.json()["outputs"]}


ERRORS = [
    ("GET", "/v2/models/p.none", "", 404, "there is no deployment 'projects/p/deployments/none'"),
    ("GET", "/v2/models/none", "", 404, "models are named PROJECT.DEPLOYMENT"),
    ("GET", "/v2/models/p.none/ready", "", 404, "there is no deployment"),
    ("GET", "/v2/models/p.house/versions/7", "", 404, "serves version 1, not 7"),
    ("GET", "/v2/models/p.house/versions/7/stats", "", 404, "serves version 1, not 7"),
    ("GET", "/v2/models/p.house/else", "", 404, "not part of the Open Inference Protocol"),
    ("GET", "/v2/models/p.house/infer", "", 404, "not part of the Open Inference Protocol"),
    ("DELETE", "/v2/models/p.house", "", 404, "not part of the Open Inference Protocol"),
    ("GET", "/", "", 404, "not part of the Open Inference Protocol"),
    ("POST", "/v2/models/p.house/infer", "{", 400, "not valid JSON"),
    ("POST", "/v2/models/p.house/infer", "{}", 400, "inputs: a list of tensors"),
    ("POST", "/v2/models/p.house/infer", json.dumps(house(1, id="i" * 257)), 400, "id: it is 'iiii"),
    ("POST", "/v2/models/p.house/infer", json.dumps(house(1, id="a\ud800")), 400, "not valid JSON"),
    ("POST", "/v2/models/p.none/infer", json.dumps(house(1)), 404, "there is no deployment"),
    ("POST", "/v2/models/p.house/versions/7/infer", json.dumps(house(1)), 404, "serves version 1, not 7"),
    ("POST", "/v2/models/p.broken/infer", json.dumps(house(1)), 400, "the package holds no model"),
    ("POST", "/v2/models/p.house/infer", json.dumps(house(666)), 500, "the service failed on this request"),
    ("POST", "/v2/repository/models/p.none/load", "", 404, "there is no deployment"),
    ("POST", "/v2/repository/models/p.house/load", '{"parameters": {"config": "{}"}}', 400, "deploy another version"),
    ("POST", "/v2/repository/index", "[]", 400, "no JSON object"),
    ("POST", "/v2/models/p.house/generate", "{}", 501, "is not offered by this server"),
    ("POST", "/v2/models/p.house/versions/1/infer_stream", "{}", 501, "is not offered by this server"),
    ("GET", "/v2/trace/setting", "", 501, "is not offered by this server"),
    ("POST", "/v2/logging", "{}", 501, "is not offered by this server"),
    ("GET", "/v2/models/p.house/trace/setting", "", 501, "is not offered by this server"),
    ("GET", "/v2/systemsharedmemory/status", "", 501, "is not offered by this server"),
    ("POST", "/v2/cudasharedmemory/region/a/register", "{}", 501, "is not offered by this server"),
    ("GET", "/v2/docs", "", 501, "is not offered by this server"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), ERRORS)
def test_every_error_is_an_object_that_says_why(
    rest: httpx.Client, method: str, path: str, body: str, status: int, message: str
) -> None:
    response = rest.request(method, path, content=body)
    assert response.status_code == status
    assert message in response.json()["error"]


def test_health_needs_no_token_and_everything_else_does(rest: httpx.Client) -> None:
    for path in ("live", "ready"):
        response = rest.get(f"/v2/health/{path}", headers={"authorization": ""})
        assert (response.status_code, response.json()) == (200, {path: True})
    refused = rest.get("/v2", headers={"authorization": ""})
    assert refused.status_code == 401
    assert "no token came with the call" in refused.json()["error"]


def test_models_are_listed_loaded_and_unloaded(rest: httpx.Client, houses: Houses) -> None:
    assert rest.get("/v2/models").json()["models"] == [
        "p.broken",
        "p.house",
        "p.size",
        "p.slow",
        "p.split",
        "p.telling",
    ]
    assert rest.post("/v2/repository/models/p.house/load").json() == {}
    assert houses.in_memory(1)
    assert rest.post("/v2/repository/models/p.house/unload", content="{}").json() == {}
    assert not houses.in_memory(1)
    assert rest.get("/v2/models/p.house/ready").status_code == 200
    rest.post("/v2/repository/models/p.broken/load")
    assert rest.get("/v2/models/p.broken/ready").status_code == 503
    every = rest.post("/v2/repository/index").json()
    ready = rest.post("/v2/repository/index", json={"ready": True}).json()
    assert {entry["name"] for entry in every} - {entry["name"] for entry in ready} == {"p.broken"}


def test_statistics_of_one_version_one_model_and_all(rest: httpx.Client) -> None:
    assert infer(rest, house(1, 2)).status_code == 200
    one = rest.get("/v2/models/p.house/versions/1/stats").json()["model_stats"]
    assert [(entry["inference_count"], entry["execution_count"]) for entry in one] == [(2, 1)]
    both = rest.get("/v2/models/p.split/stats").json()["model_stats"]
    assert [(entry["name"], entry["version"]) for entry in both] == [("p.split", "1"), ("p.split", "2")]
    assert len(rest.get("/v2/models/stats").json()["model_stats"]) == 7


def test_metadata_and_configuration_name_every_version(rest: httpx.Client) -> None:
    metadata = rest.get("/v2/models/p.split/versions/2").json()
    assert metadata["versions"] == ["1", "2"]
    assert metadata["parameters"]["fairlead_model_version"] == "projects/p/models/m/versions/2"
    config = rest.get("/v2/models/p.size/config").json()
    assert config["version_policy"] == {"specific": {"versions": [7]}}
    assert config["parameters"]["fairlead_classes"] == {"string_value": "small,medium,large"}


def test_what_else_is_asked_for_comes_as_outputs(rest: httpx.Client) -> None:
    request = house(2, 3, parameters={"fairlead_explain": True, "fairlead_interval": 0.5})
    found = outputs(infer(rest, request, "p.telling"))
    assert list(found) == ["predict", "contributions", "base_values", "interval_lower", "interval_upper"]
    assert (found["contributions"]["shape"], found["contributions"]["data"]) == ([2, 2], [2, 1, 3, 1])
    assert found["contributions"]["parameters"] == {"scale": "value"}
    assert found["interval_upper"]["parameters"] == {"coverage": 0.5}
    named = {**request, "outputs": [{"name": "contributions", "parameters": {"binary_data": True}}]}
    response = infer(rest, named, "p.telling")
    head = int(response.headers["inference-header-content-length"])
    (only,) = json.loads(response.content[:head])["outputs"]
    assert only["parameters"] == {"scale": "value", "binary_data_size": 32}
    assert np.frombuffer(response.content[head:]).tolist() == [2, 1, 3, 1]
    refused = infer(rest, house(1, outputs=[{"name": "contributions"}]), "p.telling")
    assert "no output 'contributions' for this request" in refused.json()["error"]


def test_the_likeliest_classes(rest: httpx.Client) -> None:
    rooms = [{"name": "rooms", "datatype": "FP32", "shape": [2], "data": [1, 9]}]
    top = [{"name": "predict_proba", "parameters": {"classification": 2}}]
    found = outputs(infer(rest, {"inputs": rooms, "outputs": top}, "p.size"))["predict_proba"]
    assert (found["datatype"], found["shape"]) == ("BYTES", [2, 2])
    assert found["data"] == ["0.5:0:small", "0.3:1:medium", "0.5:2:large", "0.3:0:small"]


def test_a_large_answer_is_compressed_as_the_client_accepts(rest: httpx.Client) -> None:
    body = gzip.compress(json.dumps(house(1, outputs=[{"name": "predict"}] * 20)).encode())
    headers = {"content-encoding": "gzip", "accept-encoding": "deflate"}
    response = rest.post("/v2/models/p.house/infer", content=body, headers=headers)
    assert response.headers["content-encoding"] == "deflate"
    assert [output["data"] for output in response.json()["outputs"]] == [[2.0]] * 20


def test_limits_are_told(rest: httpx.Client) -> None:
    rows = infer(rest, house(*range(5)))
    assert (rows.status_code, rows.json()["error"][:47]) == (400, "5 rows were sent; one request may have 4; send ")
    elements = infer(rest, house(*range(5001)))
    assert "the tensors have 10002 elements" in elements.json()["error"]
    body = infer(rest, house(1, id="x" * MEGABYTE))
    assert (body.status_code, body.json()["error"][:36]) == (413, "the request is larger than 1 MB; sen")


def test_a_deadline_holds_for_what_is_asked_of_models_too(rest: httpx.Client, houses: Houses) -> None:
    for method, path in (("POST", "/v2/repository/models/p.house/load"), ("GET", "/v2/models/p.house")):
        refused = rest.request(method, path, headers={"grpc-timeout": "1n"})
        assert (refused.status_code, refused.json()["error"]) == (504, "the caller's deadline has passed")
        assert not houses.in_memory(1)
    assert rest.get("/v2/models/p.house", headers={"grpc-timeout": "20S"}).status_code == 200


@pytest.mark.parametrize("by", ["header", "parameter"])
def test_a_deadline_that_is_over_is_not_worked_on(rest: httpx.Client, houses: Houses, by: str) -> None:
    houses.slow.may.set()
    request = house(1, parameters={"timeout": 1}) if by == "parameter" else house(1)
    headers = {"grpc-timeout": "1n"} if by == "header" else {}
    refused = infer(rest, request, "p.slow", **headers)
    assert (refused.status_code, refused.json()["error"]) == (504, "the caller's deadline has passed")
    assert houses.slow.asked == 0
    answered = infer(rest, house(1, parameters={"timeout": 20_000_000}), "p.slow", **{"grpc-timeout": "20S"})
    assert answered.status_code == 200
    malformed = infer(rest, house(1), "p.slow", **{"grpc-timeout": "soon"})
    assert "the header Grpc-Timeout is 'soon'" in malformed.json()["error"]


def asked(model: str, request: Any, **headers: str) -> Request:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Request("POST", f"/v2/models/{model}/infer", given, body, time.monotonic())


Told = list[tuple[int, Any, tuple[tuple[bytes, bytes], ...]]]


def told(answers: Callable[[], list[Response | Awaitable[Response]]]) -> Told:
    async def awaited() -> Told:
        found = [answer if isinstance(answer, Response) else await answer for answer in answers()]
        return [(each.status, json.loads(each.body), each.headers) for each in found]

    return asyncio.run(awaited())


def test_requests_that_are_here_together_are_answered_as_each_is_alone(app: OpenInferenceRest, houses: Houses) -> None:
    houses.catalog.load([source(1), source(2), source(SIZED)], 30)
    plain = [asked("p.house", rows_in_floats(rooms, id=f"r{rooms}")) for rooms in (3.0, 1.5, 0.0)] + [
        asked("p.size", sizes(rooms, id="s")) for rooms in (1.0, 4.0, 9.0)
    ]
    special = [
        asked("p.house", rows_in_floats(1.0, 2.0, id="two")),
        asked("p.house", rows_in_floats(1.0, id="named", outputs=[{"name": "predict"}])),
        asked("p.house", rows_in_floats(1.0, outputs=[{"name": "nothing"}])),
        asked("p.house", rows_in_floats(1.0, id="traced"), traceparent=f"00-{1:032x}-{1:016x}-01"),
        asked("p.house", b"[]"),
        asked("p.house", b'{"inputs": ['),
        asked("p.nothing", rows_in_floats(1.0)),
        asked("nothing", rows_in_floats(1.0)),
        asked("p.house", rows_in_floats(5.0, id="zip"), accept_encoding="gzip"),
        asked("p.house", {"inputs": [*rows_in_floats(1.0)["inputs"], {"name": "no"}]}),
    ]
    together = told(lambda: app.answer_all([*plain, *special]))
    assert together == told(lambda: [app.answer(request) for request in (*plain, *special)])
    assert [status for status, _, _ in together[: len(plain)]] == [200] * len(plain)
    assert houses.inference.book.of("projects/p/deployments/size").requests == 2 * 3


def test_what_a_slow_version_of_a_split_answers_is_not_computed_on_the_loop(
    app: OpenInferenceRest, houses: Houses
) -> None:
    houses.catalog.put(with_traffic(divided([target(1, 50), target(SLOW, 50)], ()), "mixed"))
    houses.catalog.load([source(1), source(SLOW)], 30)
    slow = houses.catalog.cache.find(version(SLOW))
    assert slow is not None
    houses.slow.may.set()
    slow.warm_up(itertools.count().__next__)

    async def answers() -> list[Response | Awaitable[Response]]:
        return app.answer_all([asked("p.mixed", rows_in_floats(1.0)) for _ in range(20)])

    assert not any(isinstance(answer, Response) for answer in asyncio.run(answers()))


def test_many_rows_and_explanations_however_they_are_spelled_take_a_thread(
    app: OpenInferenceRest, houses: Houses
) -> None:
    houses.catalog.load([source(1), source(TELLING)], 30)
    spelled = json.dumps({**rows_in_floats(1.0), "parameters": {"fairlead_explain": True}}).replace("_e", "_\\u0065")

    async def answer(request: Request) -> Response | Awaitable[Response]:
        return app.answer(request)

    assert isinstance(asyncio.run(answer(asked("p.house", rows_in_floats(1.0)))), Response)
    assert not isinstance(asyncio.run(answer(asked("p.telling", spelled.encode()))), Response)


def test_a_row_that_fails_fails_alone(app: OpenInferenceRest, houses: Houses) -> None:
    houses.catalog.load([source(1)], 30)
    requests = [asked("p.house", rows_in_floats(rooms)) for rooms in (1.0, 666.0, 2.0)]
    assert [status for status, _, _ in told(lambda: app.answer_all(requests))] == [200, 500, 200]


def rows_in_floats(*rooms: float, **members: Any) -> dict[str, Any]:
    request = house(*rooms, **members)
    request["inputs"][1].update(datatype="FP64", data=[1.0] * len(rooms))
    return request


def sizes(rooms: float, **members: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "rooms", "datatype": "FP64", "shape": [1], "data": [rooms]}], **members}
