"""A Bento answers the Open Inference Protocol as Fairlead's own REST door does: each request is sent to both."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from fairlead.admin.bento.fairlead_model.manifest import Column, Manifest
from fairlead.admin.bento.fairlead_model.model import Array, Model
from fairlead.admin.bento.fairlead_model.open_inference import open_inference
from fairlead.kit.auth import TokenVerifier
from services.serving.domain.inference import Clock, Inference
from services.serving.domain.models import model as served
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.requests.columns import Columns
from services.serving.domain.statistics import StatisticsBook
from services.serving.domain.traffic.catalog import Catalog
from services.serving.doors.rest.app import OpenInferenceRest, RestLimits
from services.serving.doors.rest.model_routes import ModelRoutes
from services.serving.doors.rest.server import HttpServer, listen
from tests.unit.serving.behind_doors import Unlogged
from tests.unit.serving.houses import cache_of, deployed, version

TOKEN = "token-of-the-test"
MIXED = (("n", "number"), ("b", "boolean"), ("d", "datetime"), ("t", "text"))
NUMERIC = (("n", "number"), ("b", "boolean"))
NOON = "2026-01-31T12:00:00Z"


class Seen:
    """A model that shows what it was given: probabilities of three classes that depend on each value."""

    def __init__(self) -> None:
        self.columns: list[Array] = []

    def run(self, columns: Columns) -> Array:
        self.columns = list(columns)
        shares = [np.array([_share(value) for value in column.tolist()]) for column in columns]
        one = np.mean(shares, axis=0)
        return np.stack((one / 2, 1 - one, one / 2), axis=1)


def _share(value: object) -> float:
    return sum(map(ord, str(value))) % 89 / 100


class Both:
    """The two doors, with a model of the same columns behind each."""

    def __init__(self, columns: tuple[tuple[str, str], ...]) -> None:
        classes = ("low", "middle", "high")
        self.by_fairlead, self.by_the_bento = Seen(), Seen()
        schema = Schema(
            TaskType.MULTICLASS, classes, tuple(InputColumn(name, Kind(kind), name) for name, kind in columns)
        )
        catalog = Catalog(cache_of(lambda source: served.Model(source.model_version, schema, self.by_fairlead)))
        catalog.restore([deployed(1)])
        clock, unlogged = Clock(time.perf_counter_ns, time.time_ns, lambda: "made-up"), Unlogged()
        inference = Inference(catalog, unlogged, StatisticsBook(), unlogged, clock)
        routes = ModelRoutes(inference, "1.0", 30.0)
        self._app = OpenInferenceRest(inference, TokenVerifier(TOKEN, ""), routes, RestLimits(1 << 20, 30.0), 2)
        self._server = HttpServer(self._app, listen("127.0.0.1:0"))
        self._server.start()
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        self._fairlead = httpx.Client(base_url=f"http://127.0.0.1:{self._server.port}", headers=bearer)
        manifest = Manifest(version(1), tuple(Column(name, kind, name) for name, kind in columns), classes, False)
        model = Model(manifest, lambda given: self.by_the_bento.run(tuple(given)))
        self._bento = httpx.ASGITransport(open_inference(manifest, model.predict))
        self._catalog = catalog

    def post(self, body: bytes, **headers: str) -> tuple[httpx.Response, httpx.Response]:
        """Return the answers of Fairlead and of the Bento."""
        fairlead = self._fairlead.post("/v2/models/p.house/infer", content=body, headers=headers)
        return fairlead, asyncio.run(self._post(body, headers))

    async def _post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._bento, base_url="http://bento") as client:
            return await client.post("/v2/models/m/infer", content=body, headers=headers)

    def close(self) -> None:
        self._fairlead.close()
        self._server.stop()
        self._app.close()
        self._catalog.close()


@pytest.fixture(scope="module")
def mixed() -> Iterator[Both]:
    both = Both(MIXED)
    yield both
    both.close()


@pytest.fixture(scope="module")
def numeric() -> Iterator[Both]:
    both = Both(NUMERIC)
    yield both
    both.close()


def tensor(name: str, datatype: str, *data: Any, shape: Any = None, **parameters: Any) -> dict[str, Any]:
    made = {"name": name, "datatype": datatype, "shape": [len(data)] if shape is None else shape, "data": [*data]}
    return made | ({"parameters": parameters} if parameters else {})


def row(**others: dict[str, Any]) -> dict[str, Any]:
    """A request of one row, with other tensors than the usual ones."""
    usual = {
        "n": tensor("n", "FP64", 1.5),
        "b": tensor("b", "BOOL", True),
        "d": tensor("d", "BYTES", NOON),
        "t": tensor("t", "BYTES", "Private"),
    }
    return {"id": "7", "inputs": list((usual | others).values())}


def wanting(*outputs: Any, **members: Any) -> dict[str, Any]:
    return {**row(), "outputs": [*outputs], **members}


REQUESTS: dict[str, Any] = {
    "plain": row(),
    "no values": row(
        n=tensor("n", "FP64", None),
        b=tensor("b", "BOOL", None),
        d=tensor("d", "BYTES", None),
        t=tensor("t", "BYTES", ""),
    ),
    "an FP64 null for a text": row(t=tensor("t", "FP64", None)),
    "an FP64 number for a text": row(t=tensor("t", "FP64", 3.0)),
    "an INT64 for a text": row(t=tensor("t", "INT64", 2**53 + 1)),
    "a BOOL for a text": row(t=tensor("t", "BOOL", True)),
    "an FP64 null for a boolean": row(b=tensor("b", "FP64", None)),
    "an FP64 of a boolean": row(b=tensor("b", "FP64", 2.0)),
    "a boolean as a text": row(b=tensor("b", "BYTES", " Yes ")),
    "no boolean as a text": row(b=tensor("b", "BYTES", "maybe")),
    "a boolean of another number": row(b=tensor("b", "BOOL", 2)),
    "a time with spaces": row(d=tensor("d", "BYTES", f" {NOON} ")),
    "a time in seconds": row(d=tensor("d", "FP64", 1769860800.25)),
    "a time with an offset": row(d=tensor("d", "BYTES", "2026-01-31 12:00:00+02:00")),
    "no time": row(d=tensor("d", "BYTES", "noon")),
    "a number as a text": row(n=tensor("n", "BYTES", "39")),
    "a number as a text in FP64": row(n=tensor("n", "FP64", "39")),
    "an empty text for a number": row(n=tensor("n", "FP64", "")),
    "no number as a text": row(n=tensor("n", "BYTES", "old")),
    "a number that single precision rounds": row(n=tensor("n", "FP32", 0.1)),
    "a whole number": row(n=tensor("n", "INT8", 39)),
    "too large a whole number": row(n=tensor("n", "INT8", 200)),
    "no whole number": row(n=tensor("n", "INT32", 1.5)),
    "too large a number": row(n=tensor("n", "FP64", 10**400)),
    "a list for a number": row(n=tensor("n", "FP64", {})),
    "another datatype": row(n=tensor("n", "FP128", 1.0)),
    "a number for a BYTES": row(t=tensor("t", "BYTES", 3)),
    "a column of rows": row(n=tensor("n", "FP64", [1.5], shape=[1, 1])),
    "two rows in each tensor": {
        "id": "7",
        "inputs": [
            tensor("n", "FP64", 1, None),
            tensor("b", "BOOL", True, None),
            tensor("d", "BYTES", NOON, ""),
            tensor("t", "BYTES", "a", None),
        ],
    },
    "tensors of different lengths": row(t=tensor("t", "BYTES", "a", "b")),
    "a wrong shape": row(n=tensor("n", "FP64", 1.5, shape=[2])),
    "a shape of three": row(n=tensor("n", "FP64", 1.5, shape=[1, 1, 1])),
    "a shape below zero": row(n=tensor("n", "FP64", 1.5, shape=[-1, -1])),
    "no shape": row(n={"name": "n", "datatype": "FP64", "data": [1.5]}),
    "a shape of texts": row(n=tensor("n", "FP64", 1.5, shape=["1"])),
    "more data than the shape has": row(n=tensor("n", "FP64") | {"shape": [1, 1], "data": [3, 4]}),
    "a tensor too many": row(other=tensor("other", "FP64", 1.0)),
    "a tensor twice": row(again=tensor("n", "FP64", 2.0)),
    "a tensor that lacks": {"id": "7", "inputs": row()["inputs"][:3]},
    "a tensor that is none": {"id": "7", "inputs": [3]},
    "a name that is none": row(n=tensor("n", "FP64", 1.5) | {"name": 3}),
    "zero rows": {
        "id": "7",
        "inputs": [tensor("n", "FP64"), tensor("b", "BOOL"), tensor("d", "BYTES"), tensor("t", "BYTES")],
    },
    "zero rows of one column each": {"id": "7", "inputs": [tensor(name, "BYTES", shape=[0, 1]) for name, _ in MIXED]},
    "rows as JSON": {
        "id": "7",
        "inputs": [tensor("rows", "BYTES", json.dumps({"n": 1, "b": "no", "d": NOON, "t": 3.0}))],
    },
    "rows as JSON of which one lacks a column": {
        "id": "7",
        "inputs": [tensor("rows", "BYTES", json.dumps({"n": 1, "b": 0, "d": None, "t": "a"}), json.dumps({"n": 2}))],
    },
    "rows as JSON that all lack a column": {"id": "7", "inputs": [tensor("rows", "BYTES", "{}")]},
    "a row as a list": {"id": "7", "inputs": [tensor("rows", "BYTES", "[1]")]},
    "a row that is not JSON": {"id": "7", "inputs": [tensor("rows", "BYTES", "n=1")]},
    "no rows as JSON": {"id": "7", "inputs": [tensor("rows", "BYTES")]},
    "a matrix beside texts": {"id": "7", "inputs": [tensor("x", "FP64", 1, 2, 3, 4, shape=[1, 4])]},
    "values in JSON": row(n=tensor("n", "BYTES", "39.5", content_type="pd_json")),
    "a text in JSON": row(t=tensor("t", "BYTES", "3.0", content_type="pd_json")),
    "a text in base 64": row(t=tensor("t", "BYTES", "UHJpdmF0ZQ==", content_type="base64")),
    "a text that is not base 64": row(t=tensor("t", "BYTES", "Private!", content_type="base64")),
    "a text of another content type": row(t=tensor("t", "BYTES", "Private", content_type="str")),
    "one output": wanting({"name": "predict_proba"}),
    "outputs in another order": wanting({"name": "predict_proba"}, {"name": "predict"}),
    "no outputs": wanting(),
    "outputs as texts": wanting("predict"),
    "outputs as an object": {**row(), "outputs": {"name": "predict"}},
    "an unknown output": wanting({"name": "probability"}),
    "an output without a name": wanting({}),
    "an output whose name is none": wanting({"name": ["predict"]}),
    "the likeliest classes": wanting({"name": "predict_proba", "parameters": {"classification": 2}}),
    "the likeliest of what has none": wanting({"name": "predict", "parameters": {"classification": 1}}),
    "the likeliest of a wrong number": wanting({"name": "predict_proba", "parameters": {"classification": "2"}}),
    "an id that is none": {**row(), "id": 7},
    "a routing key": {**row(), "parameters": {"fairlead_routing_key": "customer-1"}},
    "an unknown parameter of ours": {**row(), "parameters": {"fairlead_colour": "red"}},
    "a parameter of others": {**row(), "parameters": {"priority": 1}},
    "time enough": {**row(), "parameters": {"timeout": 30_000_000}},
    "a wrong timeout": {**row(), "parameters": {"timeout": "1s"}},
    "no inputs": {"inputs": []},
    "inputs as an object": {"inputs": {}},
    "a list": [1],
    "a text": "inputs",
}


@pytest.mark.parametrize("name", REQUESTS)
def test_each_request_gets_the_answer_that_fairlead_gives(mixed: Both, name: str) -> None:
    _compare(mixed, json.dumps(REQUESTS[name]).encode())


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor("x", "FP64", 1.5, 1.0, shape=[1, 2])],
        [tensor("x", "FP64", [1.5, None], [None, 0], shape=[2, 2])],
        [tensor("x", "INT64", 3, 1, shape=[1, 2])],
        [tensor("x", "BOOL", True, None, shape=[1, 2])],
        [tensor("x", "FP64", 1.5, 1.0, 2.0, shape=[1, 3])],
        [tensor("x", "FP64", 1.5, 1.0)],
        [tensor("x", "FP64", shape=[0, 2])],
        [tensor("n", "FP64", 1.5)],
    ],
    ids=str,
)
def test_a_matrix_gets_the_answer_that_fairlead_gives(numeric: Both, inputs: list[Any]) -> None:
    _compare(numeric, json.dumps({"id": "7", "inputs": inputs}).encode())


@pytest.mark.parametrize("body", [b"", b"{", b'{"inputs": [NaN]}', b'{"inputs": \xff}'])
def test_what_is_no_json_is_refused_alike(mixed: Both, body: bytes) -> None:
    _compare(mixed, body)


@pytest.mark.parametrize(("header", "status"), [("30S", 200), ("0S", 504), ("1n", 504), ("soon", 400)])
def test_a_caller_who_waits_no_more_is_told_so_alike(mixed: Both, header: str, status: int) -> None:
    fairlead, bento = mixed.post(json.dumps(row()).encode(), **{"Grpc-Timeout": header})

    assert (fairlead.status_code, bento.status_code) == (status, status)
    assert bento.json().get("error") == fairlead.json().get("error")


def test_a_timeout_in_the_request_is_kept_alike(mixed: Both) -> None:
    fairlead, bento = mixed.post(json.dumps({**row(), "parameters": {"timeout": 1}}).encode())

    assert (fairlead.status_code, bento.status_code) == (504, 504)
    assert bento.json() == fairlead.json()


@pytest.mark.parametrize("parameters", [{"fairlead_explain": True}, {"fairlead_interval": 0.9}])
def test_what_only_a_deployment_has_is_refused(mixed: Both, parameters: dict[str, Any]) -> None:
    _, bento = mixed.post(json.dumps({**row(), "parameters": parameters}).encode())

    assert bento.status_code == 400
    assert "a Bento has no explanations and no intervals; a deployment has" in bento.json()["error"]


def test_a_tensor_without_data_is_refused_by_both(mixed: Both) -> None:
    answers = mixed.post(json.dumps(row(n={"name": "n", "datatype": "FP64", "shape": [1]})).encode())

    assert [answer.status_code for answer in answers] == [400, 400]
    assert all("tensor 'n': data is missing; send a list of values" in answer.json()["error"] for answer in answers)


def test_binary_tensors_are_refused(mixed: Both) -> None:
    body = row(n={"name": "n", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}})

    for headers in ({}, {"Inference-Header-Content-Length": "10"}):
        bento = mixed.post(json.dumps(body).encode(), **headers)[1]
        assert bento.status_code == 400
        assert "as JSON" in bento.json()["error"]


def _compare(both: Both, body: bytes) -> None:
    both.by_fairlead.columns = both.by_the_bento.columns = []

    fairlead, bento = both.post(body)

    assert bento.status_code == fairlead.status_code, (fairlead.text, bento.text)
    assert fairlead.status_code in (200, 400)
    assert bento.json().get("error") == fairlead.json().get("error")
    for member in ("id", "model_version", "outputs"):
        assert bento.json().get(member) == fairlead.json().get(member)
    for mine, theirs in zip(both.by_the_bento.columns, both.by_fairlead.columns, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)
