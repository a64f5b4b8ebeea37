"""The short way of predictions answers what the application behind it would: one table of requests goes to both."""

from __future__ import annotations

import gzip
import io
import json
import re
import socket
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from fairlead.api.serving.v1.relay_service_pb2 import RelayedCall
from fairlead.kit.errors import FairleadError, FieldViolation, Internal, InvalidArgument, ResourceExhausted, Unavailable
from services.gateway.app import create_app
from services.gateway.parts import Parts
from services.gateway.prediction_door import INFER_ROUTE, INFER_VERSION_ROUTE, ROWS_ROUTE, Prediction, PredictionDoor
from tests import waiting
from tests.unit.gateway.running import TOKEN, Running, running_gateway

PREDICT = "/api/v1/projects/default/deployments/income:predict"
INFER = "/v2/models/default.income/infer"
VERSION = "/v2/models/default.income/versions/3/infer"
ROWS = json.dumps({"rows": [{"age": 39}]}).encode()
TENSORS = json.dumps({"id": "42", "inputs": [{"name": "age", "data": [1.5]}]}).encode()
BODY_LIMIT = 5_000
BEARER = ("Authorization", f"Bearer {TOKEN}")
TRACE = "0af7651916cd43dd8448eb211c80319c"
MOVING = ("x-request-id", "date")

Headers = tuple[tuple[str, str], ...]


class Both:
    """The door and the application in one server; the header X-Way says who is asked."""

    passed_on = 0
    """How many requests came to the application that were to be asked of the door."""

    def app(self, parts: Parts) -> ASGIApp:
        bare = create_app(parts)

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.passed_on += (b"x-way", b"door") in scope.get("headers", [])
            await bare(scope, receive, send)

        return counted

    def door(self, parts: Parts) -> PredictionDoor:
        class OnlyIfAsked(PredictionDoor):
            def prediction(self, path: str, headers: Mapping[bytes, bytes]) -> Prediction | None:
                return None if headers.get(b"x-way") == b"bare" else super().prediction(path, headers)

        return OnlyIfAsked(parts)


@dataclass(frozen=True)
class Asked:
    """One request as it goes over the wire."""

    target: str
    body: bytes | list[bytes] = b""
    """A list is sent in chunks, slowly."""
    headers: Headers = (BEARER,)
    method: str = "POST"
    version: str = "1.1"
    fail: FairleadError | None = None
    """What serving answers."""

    def head(self, way: str) -> bytes:
        framing = f"Content-Length: {len(self.body)}" if isinstance(self.body, bytes) else "Transfer-Encoding: chunked"
        lines = [f"{self.method} {self.target} HTTP/{self.version}", "Host: gateway", f"X-Way: {way}"]
        return "\r\n".join([*lines, *(f"{key}: {value}" for key, value in self.headers), framing, "\r\n"]).encode(
            "latin-1"
        )


@dataclass(frozen=True)
class Answer:
    """What came back, but for what differs from call to call."""

    status: int
    headers: list[tuple[str, str]]
    body: object


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Both]]:
    both = Both()
    home = tmp_path_factory.mktemp("gateway")
    with running_gateway(home, both.app, both.door, gateway_body_limit_bytes=BODY_LIMIT) as running:
        yield running, both


def ask(gateway: Running, asked: Asked, way: str) -> Answer:
    gateway.peers.fail = asked.fail
    with socket.create_connection(_address(gateway), timeout=20) as connection:
        connection.sendall(asked.head(way))
        for chunk in [asked.body] if isinstance(asked.body, bytes) else _chunked(asked.body):
            connection.sendall(chunk)
            time.sleep(0.02 if isinstance(asked.body, list) else 0)
        response = HTTPResponse(connection, method=asked.method)
        response.begin()
        content = response.read()
    gateway.peers.fail = None
    headers = [(name.lower(), value) for name, value in response.getheaders() if name.lower() not in MOVING]
    return Answer(response.status, headers, _read(content, response.getheader("content-type", "")))


def _chunked(parts: list[bytes]) -> list[bytes]:
    return [*(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"]


def _read(content: bytes, kind: str) -> object:
    if "problem+json" not in kind or not content:
        return content
    told = json.loads(content)
    told.pop("request_id")
    return told


def _address(gateway: Running) -> tuple[str, int]:
    url = httpx.URL(gateway.url)
    return url.host, url.port or 0


def with_headers(*more: tuple[str, str]) -> Headers:
    return (BEARER, *more)


HALF = len(TENSORS) // 2
JSON_LENGTH = ("Inference-Header-Content-Length", str(len(TENSORS)))
ENCODING = "Content-Encoding"
GZIP = (ENCODING, "gzip")
SHORT = {
    "rows": (200, Asked(PREDICT, ROWS)),
    "tensors": (200, Asked(INFER, TENSORS)),
    "tensors to a version": (200, Asked(VERSION, TENSORS)),
    "raw tensors": (200, Asked(INFER, TENSORS + b"raw", with_headers(JSON_LENGTH))),
    "a length that is none": (400, Asked(INFER, TENSORS, with_headers((JSON_LENGTH[0], "x")))),
    "a length beyond ASCII": (400, Asked(INFER, TENSORS, with_headers((JSON_LENGTH[0], "\u00b2")))),
    "two lengths": (200, Asked(INFER, TENSORS + b"raw", with_headers(JSON_LENGTH, (JSON_LENGTH[0], "x")))),
    "a query": (200, Asked(f"{PREDICT}?access_token=none&x=1", ROWS)),
    "an absolute target": (200, Asked(f"http://gateway{PREDICT}", ROWS)),
    "percent-encoded letters": (200, Asked(PREDICT.replace("income", "inc%6fme"), ROWS)),
    "a percent-encoded colon": (200, Asked(PREDICT.replace(":", "%3A"), ROWS)),
    "a percent-encoded dot": (200, Asked(INFER.replace(".", "%2E"), TENSORS)),
    "a percent-encoded slash": (200, Asked("/v2/models/default.income%2Finfer", TENSORS)),
    "an id of two colons": (404, Asked(PREDICT.replace("income", "income:predict"), ROWS)),
    "an id that is no text": (404, Asked(PREDICT.replace("income", "%ff%fe"), ROWS)),
    "an id beyond ASCII": (404, Asked(PREDICT.replace("income", "%C3%A9"), ROWS)),
    "an unknown deployment": (404, Asked(PREDICT.replace("income", "nope"), ROWS)),
    "an unknown model": (404, Asked(INFER.replace("income", "nope"), TENSORS)),
    "a name that is no model's": (404, Asked(INFER.replace("default.", ""), TENSORS)),
    "an unknown project": (404, Asked(PREDICT.replace("default", "nope"), ROWS)),
    "an unknown project and a large body": (404, Asked(PREDICT.replace("default", "nope"), b"x" * (BODY_LIMIT + 1))),
    "what serving refuses": (
        400,
        Asked(PREDICT, ROWS, fail=InvalidArgument("row 0: no", violations=[FieldViolation("rows[0].age", "no")])),
    ),
    "a wrong body below /v2": (400, Asked(INFER, TENSORS, fail=InvalidArgument("no JSON"))),
    "a server that is busy": (429, Asked(PREDICT, ROWS, fail=ResourceExhausted("too many", retry_after=3.0))),
    "a model that is loading": (503, Asked(INFER, TENSORS, fail=Unavailable("loading", retry_after=0.2))),
    "a defect of serving": (500, Asked(INFER, TENSORS, fail=Internal("the secret"))),
    "a body at the limit": (200, Asked(INFER, TENSORS + b" " * (BODY_LIMIT - len(TENSORS)))),
    "a body over the limit": (413, Asked(INFER, b"x" * (BODY_LIMIT + 1))),
    "chunks over the limit": (413, Asked(PREDICT, [b"x" * 3000, b"x" * 3000])),
    "a body in chunks": (200, Asked(INFER, [TENSORS[:HALF], TENSORS[HALF:]])),
    "HTTP/1.0": (200, Asked(PREDICT, ROWS, version="1.0")),
    "a timeout": (200, Asked(PREDICT, ROWS, with_headers(("X-Request-Timeout", "5")))),
    "two timeouts": (200, Asked(PREDICT, ROWS, with_headers(*(("X-Request-Timeout", text) for text in ("5", "x"))))),
    "a timeout that has passed": (504, Asked(INFER, TENSORS, with_headers(("X-Request-Timeout", "1e-9")))),
    **{
        f"a timeout of {text or 'nothing'}": (400, Asked(INFER, TENSORS, with_headers(("X-Request-Timeout", text))))
        for text in ("soon", "0", "-1", "nan", "inf", "601", "", "\u00b2")
    },
    "a timeout of gRPC's": (200, Asked(PREDICT, ROWS, with_headers(("Grpc-Timeout", "5000m")))),
    "a timeout of gRPC's beyond the limit": (200, Asked(PREDICT, ROWS, with_headers(("Grpc-Timeout", "99999999H")))),
    "a timeout of gRPC's that has passed": (504, Asked(INFER, TENSORS, with_headers(("Grpc-Timeout", "1n")))),
    "a timeout of gRPC's that is none": (400, Asked(INFER, TENSORS, with_headers(("Grpc-Timeout", "5")))),
    "both timeouts": (504, Asked(PREDICT, ROWS, with_headers(("X-Request-Timeout", "5"), ("Grpc-Timeout", "0S")))),
    "a gzipped body": (200, Asked(PREDICT, gzip.compress(ROWS), with_headers(GZIP))),
    "a deflated body": (200, Asked(INFER, zlib.compress(TENSORS), with_headers((ENCODING, "Deflate")))),
    "gzipped raw tensors": (200, Asked(INFER, gzip.compress(TENSORS + b"raw"), with_headers(GZIP, JSON_LENGTH))),
    "a body that is gzipped in name alone": (400, Asked(PREDICT, ROWS, with_headers(GZIP))),
    "a body gzipped in part": (400, Asked(PREDICT, gzip.compress(ROWS)[:-9], with_headers(GZIP))),
    "a small body of a large one": (413, Asked(PREDICT, gzip.compress(b" " * 1_000_000), with_headers(GZIP))),
    "nothing, gzipped in name": (400, Asked(PREDICT, b"", with_headers(GZIP), fail=InvalidArgument("no JSON"))),
    "another encoding": (415, Asked(PREDICT, ROWS, with_headers((ENCODING, "br")))),
    "no encoding by its name": (200, Asked(PREDICT, ROWS, with_headers((ENCODING, "identity")))),
    "a trace": (200, Asked(PREDICT, ROWS, with_headers(("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")))),
    "a trace that is none": (200, Asked(PREDICT, ROWS, with_headers(("traceparent", "x"), ("tracestate", "a=b")))),
    "a token twice": (200, Asked(PREDICT, ROWS, (BEARER, ("Authorization", "Bearer wrong")))),
    "a token and a cookie": (200, Asked(PREDICT, ROWS, with_headers(("Cookie", "fairlead_session=none")))),
    "the scheme in capitals": (200, Asked(PREDICT, ROWS, (("Authorization", f"BEARER {TOKEN}"),))),
}
WRONG = ("Authorization", "Bearer wrong")
LONG = {
    "a wrong token": (401, Asked(PREDICT, ROWS, (WRONG,))),
    "a wrong token below /v2": (401, Asked(INFER, TENSORS, (WRONG,))),
    "a wrong token before the right one": (401, Asked(PREDICT, ROWS, (WRONG, BEARER))),
    "a token beyond ASCII": (401, Asked(PREDICT, ROWS, (("Authorization", "Bearer \u00e9"),))),
    "no token": (401, Asked(PREDICT, ROWS, ())),
    "a token in the address": (401, Asked(f"{PREDICT}?access_token={TOKEN}", ROWS, ())),
    "another scheme": (401, Asked(PREDICT, ROWS, (("Authorization", f"Basic {TOKEN}"),))),
    "a session that is none": (401, Asked(PREDICT, ROWS, (("Cookie", "fairlead_session=none"),))),
    **{f"the method {method}": (405, Asked(PREDICT, method=method)) for method in ("OPTIONS", "PUT", "TRACE")},
    "the method GET": (404, Asked(PREDICT, method="GET")),
    "the method HEAD": (405, Asked(INFER, method="HEAD")),
    "a slash at the end": (404, Asked(f"{PREDICT}/", ROWS)),
    "a line feed at the end": (200, Asked(f"{PREDICT}%0A", ROWS)),
    "no deployment": (405, Asked("/api/v1/projects/default/deployments/:predict", ROWS)),
    "no model": (404, Asked("/v2/models//infer", TENSORS)),
    "two slashes": (404, Asked(f"/{PREDICT}", ROWS)),
    "a slash in the id": (404, Asked(PREDICT.replace("income", "a%2Fb"), ROWS)),
    "capitals": (405, Asked(PREDICT.replace("predict", "Predict"), ROWS)),
    "another verb": (200, Asked("/v2/repository/index")),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_programs_prediction_is_answered_as_the_application_would(served: tuple[Running, Both], name: str) -> None:
    gateway, both = served
    status, asked = SHORT[name]
    before = both.passed_on

    short = ask(gateway, asked, "door")

    assert both.passed_on == before
    assert short == ask(gateway, asked, "bare")
    assert short.status == status


@pytest.mark.parametrize("name", LONG)
def test_anything_else_is_passed_on(served: tuple[Running, Both], name: str) -> None:
    gateway, both = served
    status, asked = LONG[name]
    before = both.passed_on

    passed_on = ask(gateway, asked, "door")

    assert both.passed_on == before + 1
    assert passed_on == ask(gateway, asked, "bare")
    assert passed_on.status == status


@pytest.mark.parametrize(("origin", "status"), [("own", 200), ("http://evil.example", 403), ("", 403)])
def test_a_browsers_session_is_passed_on(served: tuple[Running, Both], origin: str, status: int) -> None:
    gateway, _ = served
    with httpx.Client(base_url=gateway.url) as browser:
        browser.get("/login", params={"token": TOKEN})
        cookie = ("Cookie", f"fairlead_session={browser.cookies['fairlead_session']}")
    origins = (("Origin", "http://gateway" if origin == "own" else origin),) if origin else ()
    asked = Asked(PREDICT, ROWS, (cookie, *origins))

    answers = [ask(gateway, asked, way) for way in ("door", "bare")]

    assert answers[0] == answers[1]
    assert answers[0].status == status


@pytest.mark.parametrize("way", ["door", "bare"])
def test_an_answer_has_the_callers_request_id_or_one_of_its_own(served: tuple[Running, Both], way: str) -> None:
    gateway, _ = served

    def told(given: str, fail: FairleadError | None = None) -> str:
        gateway.peers.fail = fail
        headers = {"X-Way": way, "X-Request-Id": given}
        answer = gateway.http.post(PREDICT, content=ROWS, headers=headers)
        if fail is not None:
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
        return answer.headers["x-request-id"]

    made = {told(given) for given in ("", "with a space", "x" * 129)}
    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)
    assert told("order-17") == "order-17"
    assert told("order-18", InvalidArgument("no")) == "order-18"


@pytest.mark.parametrize("way", ["door", "bare"])
def test_the_callers_trace_goes_on_to_serving(served: tuple[Running, Both], way: str) -> None:
    gateway, _ = served
    ask(gateway, SHORT["a trace"][1], way)
    assert gateway.peers.last(RelayedCall).traceparent.startswith(f"00-{TRACE}-")

    ask(gateway, SHORT["rows"][1], way)
    assert gateway.peers.last(RelayedCall).traceparent == ""


@pytest.mark.parametrize("way", ["door", "bare"])
@pytest.mark.parametrize(
    ("path", "route"), [(PREDICT, ROWS_ROUTE), (INFER, INFER_ROUTE), (VERSION, INFER_VERSION_ROUTE)]
)
def test_calls_are_counted_by_route_and_status(served: tuple[Running, Both], way: str, path: str, route: str) -> None:
    gateway, _ = served
    answered, refused = counted(route, "200"), counted(route, "400")
    timed = seconds(route)

    ask(gateway, Asked(path, TENSORS if path != PREDICT else ROWS), way)
    ask(gateway, Asked(path, TENSORS, fail=InvalidArgument("no")), way)

    waiting.until(lambda: counted(route, "200") == answered + 1, "the count of what was answered")
    waiting.until(lambda: counted(route, "400") == refused + 1, "the count of what was refused")
    assert seconds(route) == timed + 2


def test_a_prediction_that_was_answered_has_no_line_in_the_log_and_any_other_has(served: tuple[Running, Both]) -> None:
    gateway, _ = served
    answered = counted(ROWS_ROUTE, "200")
    with capture_logs() as lines:
        ask(gateway, Asked(PREDICT, ROWS), "door")
        ask(gateway, Asked(PREDICT, ROWS, fail=InvalidArgument("no")), "door")
        waiting.until(lambda: any(line["event"] == "call" for line in lines), "the line")

    assert counted(ROWS_ROUTE, "200") == answered + 1
    assert [(line["status"], line["principal"]) for line in lines if line["event"] == "call"] == [(400, "admin")]


@pytest.mark.parametrize("way", ["door", "bare"])
def test_a_caller_who_leaves_is_counted_and_harms_nobody(served: tuple[Running, Both], way: str) -> None:
    gateway, _ = served
    left = counted(ROWS_ROUTE, "499")
    with socket.create_connection(_address(gateway)) as connection:
        connection.sendall(Asked(PREDICT, b"x" * 100).head(way) + b"half of it")
    waiting.until(lambda: counted(ROWS_ROUTE, "499") == left + 1, "the count of those who left")

    answered = counted(ROWS_ROUTE, "200")
    with socket.create_connection(_address(gateway)) as connection:
        connection.sendall(Asked(PREDICT, ROWS).head(way) + ROWS)
    waiting.until(lambda: counted(ROWS_ROUTE, "200") == answered + 1, "the count of what was answered to nobody")

    assert ask(gateway, Asked(PREDICT, ROWS), way).status == 200


def test_predictions_that_are_sent_ahead_are_answered_in_order(served: tuple[Running, Both]) -> None:
    gateway, _ = served
    targets = [(PREDICT, ROWS), (INFER, TENSORS), ("/healthz", b""), (VERSION, TENSORS), (PREDICT, ROWS)]
    with socket.create_connection(_address(gateway), timeout=20) as connection:
        connection.sendall(
            b"".join(
                Asked(target, body, with_headers(("X-Request-Id", f"call-{index}"))).head("door") + body
                for index, (target, body) in enumerate(targets)
            )
        )
        answers = [_next(connection) for _ in targets]

    assert [answer.getheader("x-request-id") for answer in answers] == [f"call-{index}" for index in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 405, 200, 200]


def test_a_caller_who_waits_for_leave_to_send_a_body_is_given_it(served: tuple[Running, Both]) -> None:
    gateway, _ = served
    with socket.create_connection(_address(gateway), timeout=20) as connection:
        connection.sendall(Asked(PREDICT, ROWS, with_headers(("Expect", "100-continue"))).head("door"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(ROWS)
        assert _next(connection).status == 200


def test_a_caller_who_waits_for_leave_to_send_a_body_over_the_limit_is_refused(served: tuple[Running, Both]) -> None:
    gateway, _ = served
    with socket.create_connection(_address(gateway), timeout=20) as connection:
        large = Asked(PREDICT, b"x" * (BODY_LIMIT + 1), with_headers(("Expect", "100-continue")))
        connection.sendall(large.head("door"))
        answer = _next(connection)
        assert (answer.status, answer.getheader("connection")) == (413, "close")
        assert connection.recv(1) == b""


@pytest.mark.parametrize("wish", ["close", "keep-alive"])
def test_a_connection_is_kept_as_its_caller_wishes(served: tuple[Running, Both], wish: str) -> None:
    gateway, _ = served
    with socket.create_connection(_address(gateway), timeout=20) as connection:
        connection.sendall(Asked(PREDICT, ROWS, with_headers(("Connection", wish))).head("door") + ROWS)
        answer = _next(connection)
        assert (answer.status, answer.getheader("connection")) == (200, "close" if wish == "close" else None)
        if wish == "close":
            assert connection.recv(1) == b""
        else:
            connection.sendall(Asked(PREDICT, ROWS).head("door") + ROWS)
            assert _next(connection).status == 200


def test_what_a_caller_does_not_read_is_not_answered_without_end(served: tuple[Running, Both]) -> None:
    gateway, _ = served
    answered = counted(ROWS_ROUTE, "200")
    one = Asked(PREDICT, ROWS).head("door") + ROWS
    with socket.create_connection(_address(gateway), timeout=1) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sent = 0
        # It waits, or is sent away after a while.
        with pytest.raises(OSError):  # either way
            while sent < 100_000:
                connection.sendall(one * 100)
                sent += 100

    assert counted(ROWS_ROUTE, "200") - answered < 100_000


def test_the_metrics_tell_of_the_relay(served: tuple[Running, Both]) -> None:
    gateway, _ = served
    ask(gateway, SHORT["rows"][1], "door")
    text = gateway.http.get("/metrics").text

    address = gateway.parts.settings.serving_endpoints
    assert f'fairlead_gateway_relay_calls_under_way{{endpoint="{address}"}} 0.0' in text
    for name in ("message_calls_sum", "streams_lost_total", "calls_lost_total"):
        assert f"\nfairlead_gateway_relay_{name} " in text


def _next(connection: socket.socket) -> HTTPResponse:
    """Return the next answer on a connection, its body read, and no byte of the one after it."""
    told = b""
    while not told.endswith(b"\r\n\r\n"):
        told += connection.recv(1)
    length = re.search(rb"content-length: (\d+)", told, re.IGNORECASE)
    assert length is not None
    left = int(length[1])
    while left:
        part = connection.recv(left)
        told, left = told + part, left - len(part)
    response = HTTPResponse(_Told(told))  # type: ignore[arg-type]  # which asks a socket for a file, no more
    response.begin()
    response.read()
    return response


class _Told:
    def __init__(self, told: bytes) -> None:
        self._told = told

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._told)


def counted(route: str, status: str) -> float:
    labels = {"method": "POST", "route": route, "status": status}
    return REGISTRY.get_sample_value("fairlead_gateway_calls_total", labels) or 0.0


def seconds(route: str) -> float:
    labels = {"method": "POST", "route": route}
    return REGISTRY.get_sample_value("fairlead_gateway_seconds_count", labels) or 0.0
