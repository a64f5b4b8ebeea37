"""What comes over the wire is read whatever protocol it asks for besides, and what can't be read is counted."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from services.gateway import http_server
from services.gateway.prediction_door import INFER_ROUTE
from tests import waiting
from tests.unit.gateway.running import CONNECTIONS, TOKEN, Running, running_gateway

PREDICT = "/api/v1/projects/default/deployments/income:predict"
INFER = "/v2/models/default.income/infer"
PROJECTS = "/api/v1/projects"
ROWS = json.dumps({"rows": [{"age": 39}]}).encode()
# As `curl --http2` writes it.
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), gateway_body_limit_bytes=5_000) as running:
        yield running


def request(target: str, body: bytes, *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
    lines = [
        f"{method} {target} HTTP/{version}",
        "Host: gateway",
        f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/json",
        *headers,
        *([] if any("chunked" in each for each in headers) else [f"Content-Length: {len(body)}"]),
    ]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def open_connection(gateway: Running) -> socket.socket:
    url = httpx.URL(gateway.url)
    return socket.create_connection((url.host, url.port or 0), timeout=20)


def answer_on(connection: socket.socket) -> tuple[int, bytes]:
    response = HTTPResponse(connection, method="POST")
    response.begin()
    return response.status, response.read()


def ask(gateway: Running, *parts: bytes) -> tuple[int, bytes]:
    """Return the status and the body of the answer to what is sent in parts."""
    with open_connection(gateway) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        return answer_on(connection)


def test_a_prediction_that_asks_for_http_2_too_is_answered(gateway: Running) -> None:
    status, body = ask(gateway, request(PREDICT, ROWS, *H2C))

    assert status == 200
    assert json.loads(body)["predictions"] == [{"age": 39}]


def test_any_other_call_that_asks_for_http_2_too_is_answered(gateway: Running) -> None:
    status, body = ask(gateway, request(PROJECTS, b'{"project_id": "upgraded"}', *H2C))

    assert status == 201
    assert json.loads(body)["name"] == "projects/upgraded"


def test_its_body_may_come_in_chunks_and_in_its_own_time(gateway: Running) -> None:
    chunked = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (5, ROWS[:5], len(ROWS) - 5, ROWS[5:])
    whole = request(PREDICT, chunked, *H2C, "Transfer-Encoding: chunked")

    assert ask(gateway, *(whole[place : place + 40] for place in range(0, len(whole), 40)))[0] == 200


@pytest.mark.parametrize("upgrade", ["TLS/1.0", "websocket", "h2c, websocket"])
def test_a_post_that_asks_for_anything_else_is_answered(gateway: Running, upgrade: str) -> None:
    assert ask(gateway, request(PREDICT, ROWS, "Connection: upgrade", f"Upgrade: {upgrade}"))[0] == 200


def test_the_connection_goes_on_with_the_next_requests(gateway: Running) -> None:
    with open_connection(gateway) as connection:
        last = request(PREDICT, ROWS, "Connection: close")
        connection.sendall(request(PREDICT, ROWS, *H2C) + request(PREDICT, ROWS, *H2C) + request(PREDICT, ROWS) + last)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert answers.count(b'"predictions"') == 4


def test_a_connection_that_is_to_be_closed_is_closed(gateway: Running) -> None:
    with open_connection(gateway) as connection:
        connection.sendall(request(PREDICT, ROWS, "Connection: close, Upgrade", "Upgrade: h2c"))
        assert answer_on(connection)[0] == 200
        assert connection.recv(1) == b""


def test_a_websocket_is_opened_as_ever(gateway: Running) -> None:
    url = gateway.url.replace("http", "ws") + "/api/v1/ws/tasks/none"

    with pytest.raises(InvalidStatus) as refusal:
        connect(url, additional_headers={"Authorization": f"Bearer {TOKEN}"})

    assert refusal.value.response.status_code == 404
    assert ask(gateway, request("/api/v1/ws/tasks/none", b"", *WEBSOCKET, method="GET"))[0] == 404


def test_a_tunnel_is_refused(gateway: Running) -> None:
    assert ask(gateway, request("/x", b"", method="CONNECT"))[0] == 400


@pytest.mark.parametrize(
    "unreadable", [b"no HTTP at all\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", request(PREDICT, b"", "a b: c")]
)
def test_what_can_not_be_read_is_refused_and_counted(gateway: Running, unreadable: bytes) -> None:
    before = counted("other", "unparsed", 400)

    assert ask(gateway, unreadable)[0] == 400

    waiting.until(lambda: counted("other", "unparsed", 400) == before + 1, "the count")


def test_calls_without_a_valid_token_and_bodies_over_the_limit_are_counted(gateway: Running) -> None:
    unknown, large = counted("POST", "unmatched", 401), counted("POST", INFER_ROUTE, 413)

    gateway.http.post(INFER, headers={"Authorization": "Bearer wrong"})
    gateway.http.post(INFER, content=b"x" * 5_001)

    waiting.until(lambda: counted("POST", "unmatched", 401) == unknown + 1, "the count of the unknown caller")
    waiting.until(lambda: counted("POST", INFER_ROUTE, 413) == large + 1, "the count of the large body")


def counted(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("fairlead_gateway_calls_total", labels) or 0.0


def test_a_head_without_an_end_is_refused_while_it_comes(gateway: Running) -> None:
    line = b"x: " + b"a" * 1000 + b"\r\n"
    with open_connection(gateway) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n")
        connection.settimeout(0.2)
        for lines in (40, 25):
            connection.sendall(line * lines)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        connection.settimeout(20)
        connection.sendall(line * 2)
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"send fewer or shorter headers" in answer


CHUNKED = "Transfer-Encoding: chunked"


def test_a_body_in_chunks_is_no_head_however_it_comes(tmp_path: Path) -> None:
    # As from clients that write the head of a chunk by itself: what is read at a time begins and ends in one.
    head, chunk = b"5dc\r\n", b" " * 1500 + b"\r\n"
    with running_gateway(tmp_path, gateway_body_limit_bytes=200_000) as gateway, open_connection(gateway) as connection:
        connection.sendall(request(PREDICT, head, CHUNKED))
        for _ in range(2 * http_server.HEAD_BYTES // len(chunk)):
            connection.sendall(chunk + head)
            time.sleep(0.01)
        connection.sendall(chunk + b"%x\r\n%b\r\n0\r\n\r\n" % (len(ROWS), ROWS))
        assert answer_on(connection)[0] == 200


def test_what_comes_behind_a_body_in_chunks_is_no_header(gateway: Running) -> None:
    body = b"%x\r\n%b\r\n0\r\nContent-Encoding: gzip\r\nX-Request-Timeout: never\r\n\r\n" % (len(ROWS), ROWS)
    with open_connection(gateway) as connection:
        connection.sendall(request(PREDICT, body, CHUNKED))
        assert answer_on(connection)[0] == 200


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
@pytest.mark.parametrize("line", [b"Name: " + b"x" * 1000 + b"\r\n", b"x" * 1000], ids=["many", "without an end"])
def test_headers_behind_a_body_have_an_end_too(gateway: Running, token: str, line: bytes) -> None:
    head = request(PREDICT, b"1\r\nx\r\n0\r\nName: ", CHUNKED).replace(TOKEN.encode(), token.encode())
    with open_connection(gateway) as connection, pytest.raises(ConnectionError):
        connection.sendall(head)
        for _ in range(10_000):
            connection.sendall(line * 100)


@pytest.mark.parametrize(
    "behind",
    [
        b"\x00garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\nName: \x00",
        request("/ws", b"", *WEBSOCKET, method="GET"),
    ],
    ids=["no request", "a head that is none", "a websocket"],
)
def test_what_can_not_be_answered_ends_the_connection_after_what_came_before_it(
    gateway: Running, behind: bytes
) -> None:
    with open_connection(gateway) as connection:
        connection.sendall(request(PREDICT, ROWS) + behind)
        assert answer_on(connection)[0] == 200
        assert _is_ended(connection)


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", request(PREDICT, ROWS)[:-3], request(PROJECTS, b"{}")[:-1]], ids=["nothing", *"123"]
)
def test_who_does_not_go_on_is_not_waited_for(gateway: Running, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(http_server, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(http_server, "LOOK_SECONDS", 0.05)
    with open_connection(gateway) as connection:
        connection.sendall(sent)
        assert _is_ended(connection)


def test_beyond_so_many_connections_further_ones_are_refused(gateway: Running) -> None:
    with ExitStack() as stack:
        several = [stack.enter_context(open_connection(gateway)) for _ in range(CONNECTIONS)]
        with open_connection(gateway) as connection:
            assert answer_on(connection) == (503, b"Too many connections are open here; try again later.")
        several[0].sendall(request(PREDICT, ROWS))
        assert answer_on(several[0])[0] == 200


def _is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
