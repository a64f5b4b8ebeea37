"""The HTTP server under the REST door, spoken to byte by byte."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Iterator, Sequence
from threading import Event, Thread

import psutil
import pytest

from fairlead.kit.errors import Unauthenticated
from services.serving.doors.rest import connection
from services.serving.doors.rest.http import Request, Response
from services.serving.doors.rest.server import Bounds, HttpServer, listen

LARGEST = 1000


class Echo:
    """Answers with what it was asked; /slow once it may, in a thread; /header with the header that the body names."""

    body_bytes = LARGEST

    def __init__(self) -> None:
        self.may = Event()
        self.stopped = Event()
        self.together: list[int] = []

    def admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        if path == "/closed":
            raise Unauthenticated("no token came with the call")

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        if request.path == "/stop":
            self.stopped.set()
            self.may.wait(30)
        response = Response(f"{request.method} {request.path} ".encode() + request.body)
        if request.path == "/header":
            return Response(request.headers[request.body])
        if request.path != "/slow":
            return response
        return asyncio.get_running_loop().run_in_executor(None, lambda: self.may.wait(30) and response)

    def answer_all(self, requests: Sequence[Request]) -> list[Response | Awaitable[Response]]:
        self.together.append(len(requests))
        if any(request.path == "/poison" for request in requests):
            raise RuntimeError("what is asked for here can't be looked at with others")
        return [self.answer(request) for request in requests]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def server(echo: Echo) -> Iterator[HttpServer]:
    server = HttpServer(echo, listen("127.0.0.1:0"))
    server.start()
    yield server
    echo.may.set()
    server.stop()


class Caller:
    """One connection."""

    def __init__(self, server: HttpServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, text: str | bytes) -> None:
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def head(self) -> tuple[int, dict[str, str]]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return status, headers

    def response(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = self.head()
        return status, headers, self.file.read(int(headers["content-length"]))

    def is_at_end(self) -> bool:
        return self.file.read(1) == b""


@pytest.fixture
def caller(server: HttpServer) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.file.close()
    caller.socket.close()


def post(path: str, body: str, *headers: str) -> str:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *headers, "", body))


def test_a_connection_serves_one_request_after_another(caller: Caller) -> None:
    for number in range(3):
        caller.send(post("/a%20b?x=1", str(number)))
        status, headers, body = caller.response()
        assert (status, body) == (200, f"POST /a b {number}".encode())
        assert headers["content-type"] == "application/json"
        assert headers["date"].endswith("GMT")


def test_a_request_may_come_in_pieces_and_in_chunks(caller: Caller) -> None:
    for byte in post("/whole", "body"):
        caller.send(byte)
    assert caller.response()[2] == b"POST /whole body"
    caller.send("POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n")
    assert caller.response()[2] == b"POST /chunks body"


def test_requests_sent_ahead_are_answered_in_order(caller: Caller, echo: Echo) -> None:
    caller.send(post("/slow", "first") + "".join(post("/quick", str(number)) for number in range(40)))
    time.sleep(0.05)
    echo.may.set()
    assert caller.response()[2] == b"POST /slow first"
    assert [caller.response()[2] for _ in range(40)] == [f"POST /quick {number}".encode() for number in range(40)]


def test_the_client_says_whether_the_connection_stays(caller: Caller, server: HttpServer) -> None:
    caller.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert caller.response()[1]["connection"] == "keep-alive"
    caller.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert caller.response()[1]["connection"] == "close"
    assert caller.is_at_end()
    old = Caller(server)
    old.send("GET /a HTTP/1.0\r\n\r\n")
    assert old.response()[0] == 200
    assert old.is_at_end()


def test_each_answer_says_what_the_version_of_its_own_request_needs_to_keep_the_connection(
    caller: Caller, echo: Echo
) -> None:
    old = "GET /slow HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    caller.send(old + post("/b", "") + old + "GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    time.sleep(0.05)
    echo.may.set()
    assert [caller.response()[1].get("connection") for _ in range(4)] == ["keep-alive", None, "keep-alive", "close"]
    assert caller.is_at_end()


@pytest.mark.parametrize("name", ["authorization", "content-type"])
def test_of_a_header_that_comes_more_than_once_the_first_counts(caller: Caller, name: str) -> None:
    caller.send(post("/header", name, f"{name.title()}: first", f"{name}: second"))
    assert caller.response()[2] == b"first"


def test_a_head_is_asked_for_without_a_body(caller: Caller) -> None:
    caller.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n")
    assert caller.head()[1]["content-length"] == "8"
    caller.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    assert caller.response()[2] == b"GET /b "


def test_a_client_that_asks_first_is_told_to_go_on_or_why_not(caller: Caller, server: HttpServer) -> None:
    caller.send(post("/a", "", "Expect: 100-continue").replace("Content-Length: 0", "Content-Length: 4"))
    assert caller.head()[0] == 100
    caller.send("body")
    assert caller.response()[2] == b"POST /a body"
    refused = Caller(server)
    refused.send(post("/closed", "", "Expect: 100-continue").replace("Content-Length: 0", "Content-Length: 4"))
    assert refused.response()[0] == 401


def test_who_may_not_call_is_told_before_the_body_is_there_and_may_still_send_it(caller: Caller) -> None:
    caller.send(post("/closed", "").replace("Content-Length: 0", "Content-Length: 500"))
    status, headers, body = caller.response()
    assert (status, headers["connection"]) == (401, "close")
    assert b"no token came with the call" in body
    caller.send("x" * 500)
    assert caller.is_at_end()


def test_bodies_above_the_limit_are_refused(caller: Caller, server: HttpServer) -> None:
    caller.send(post("/a", "x" * (LARGEST + 1)))
    assert caller.response()[0] == 413
    chunked = Caller(server)
    chunked.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        chunked.send("190\r\n" + "x" * 400 + "\r\n")
    assert chunked.response()[0] == 413
    largest = Caller(server)
    largest.send(post("/a", "x" * LARGEST))
    assert largest.response()[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET /a HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbody", 400),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nLong: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_good_request_is_refused(caller: Caller, sent: bytes, status: int) -> None:
    caller.send(sent)
    found, headers, _ = caller.response()
    assert (found, headers["connection"]) == (status, "close")
    assert caller.is_at_end()


def test_a_header_without_an_end_is_refused_while_it_comes(caller: Caller) -> None:
    caller.send(b"GET /a HTTP/1.1\r\nLong: ")
    for _ in range(10):
        caller.send(b"x" * 40_000)
        time.sleep(0.02)
    assert caller.response()[0] == 431
    assert caller.is_at_end()


CHUNKED = "POST {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_what_comes_behind_a_body_in_chunks_is_no_header(caller: Caller) -> None:
    caller.send(CHUNKED.format("/header") + "4\r\nhost\r\n0\r\nHost: smuggled\r\nContent-Encoding: gzip\r\n\r\n")
    assert caller.response()[2] == b"h"


@pytest.mark.parametrize("path", ["/a", "/closed"])
@pytest.mark.parametrize("line", [b"Name: " + b"x" * 1000 + b"\r\n", b"x" * 1000], ids=["many", "without an end"])
def test_headers_behind_a_body_have_an_end_too(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, path: str, line: bytes
) -> None:
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.3)
    caller.send(CHUNKED.format(path) + "1\r\nx\r\n0\r\nName: ")
    before = _resident_mb()
    with pytest.raises(ConnectionError):
        while True:
            caller.send(line * 100)
    assert _resident_mb() - before < 50


def _resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


UPGRADE = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"


def test_another_protocol_is_not_switched_to(caller: Caller) -> None:
    caller.send(f"GET /a HTTP/1.1\r\nHost: h\r\n{UPGRADE}\r\n\r\n")
    assert caller.response()[0] == 200
    caller.send(post("/b", "next"))
    assert caller.response()[2] == b"POST /b next"


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_the_body_of_a_request_that_would_switch_is_its_body_and_no_request(caller: Caller, pieces: int) -> None:
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    sent = post("/a", smuggled, UPGRADE) + post("/b", "next")
    size = -(-len(sent) // pieces)
    for start in range(0, len(sent), size):
        caller.send(sent[start : start + size])
        time.sleep(0.02)

    assert caller.response()[2] == f"POST /a {smuggled}".encode()
    assert caller.response()[2] == b"POST /b next"


def test_thousands_of_requests_that_would_switch_come_at_once(caller: Caller) -> None:
    caller.send(f"GET /a HTTP/1.1\r\nHost: h\r\n{UPGRADE}\r\n\r\n" * 3000)

    assert all(caller.response()[0] == 200 for _ in range(3000))


def test_no_tunnel_is_offered(caller: Caller) -> None:
    caller.send("CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n")

    assert caller.response()[0] == 400
    assert caller.is_at_end()


@pytest.mark.parametrize("after", ["nonsense\r\n\r\n", "POST /closed HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"])
def test_a_refusal_waits_for_the_answers_before_it(caller: Caller, echo: Echo, after: str) -> None:
    caller.send(post("/slow", "first") + post("/a", "second") + after)
    time.sleep(0.1)
    echo.may.set()

    assert caller.response()[2] == b"POST /slow first"
    assert caller.response()[2] == b"POST /a second"
    assert caller.response()[0] in (400, 401)
    assert caller.is_at_end()


def test_what_is_under_way_is_answered_when_the_server_stops(caller: Caller, server: HttpServer, echo: Echo) -> None:
    idle, begun = Caller(server), Caller(server)
    caller.send(post("/slow", "last"))
    begun.send(post("/a", "whole")[:-3])
    time.sleep(0.1)
    stopping = Thread(target=server.stop)
    stopping.start()
    assert idle.is_at_end()
    with pytest.raises(ConnectionRefusedError):
        Caller(server)
    begun.send("ole")
    echo.may.set()
    for asked, expected in ((caller, b"POST /slow last"), (begun, b"POST /a whole")):
        _, headers, body = asked.response()
        assert (headers["connection"], body) == ("close", expected)
        assert asked.is_at_end()
    stopping.join()


def test_an_answer_is_dropped_where_the_client_has_left(caller: Caller, server: HttpServer, echo: Echo) -> None:
    leaving = Caller(server)
    leaving.send(post("/slow", "nobody"))
    leaving.file.close()
    leaving.socket.close()
    echo.may.set()
    caller.send(post("/a", "still here"))
    assert caller.response()[2] == b"POST /a still here"


def test_further_connections_than_there_may_be_are_refused(echo: Echo) -> None:
    server = HttpServer(echo, listen("127.0.0.1:0"), bounds=Bounds(connections=1))
    server.start()
    first = Caller(server)
    first.send("GET /a HTTP/1.1\r\n\r\n")
    assert first.response()[0] == 200
    status, headers, body = Caller(server).response()
    assert (status, headers["retry-after"], headers["connection"]) == (429, "1", "close")
    assert b"too many connections" in body
    assert server.refused["connections"] == 1
    first.socket.close()
    server.stop()


def test_a_loop_that_is_behind_refuses_requests_without_looking_at_them(echo: Echo) -> None:
    # It is always behind by this bound.
    server = HttpServer(echo, listen("127.0.0.1:0"), bounds=Bounds(lag_seconds=-1.0))
    server.start()
    caller = Caller(server)
    caller.send("POST /a HTTP/1.1\r\ncontent-length: 1\r\n\r\nx")
    status, headers, _ = caller.response()
    assert (status, headers["retry-after"]) == (429, "1")
    # Who asks whether it lives is answered.
    caller.send("GET /b HTTP/1.1\r\n\r\n")
    assert caller.response()[0] == 200
    assert server.refused["lag"] == 1
    caller.socket.close()
    server.stop()


def test_a_connection_without_a_request_gets_one_more_answer_when_the_server_stops(
    caller: Caller, server: HttpServer
) -> None:
    caller.send("GET /a HTTP/1.1\r\n\r\n")
    assert caller.response()[0] == 200
    stopping = Thread(target=server.stop)
    stopping.start()
    caller.send("GET /b HTTP/1.1\r\n\r\n")
    assert caller.response()[0] == 200
    stopping.join()


def test_requests_that_come_at_the_same_time_are_handed_on_together_and_each_has_its_own_answer(
    server: HttpServer, echo: Echo
) -> None:
    callers = [Caller(server) for _ in range(20)]
    for caller in callers:
        caller.send(post("/a", "is connected"))
        assert caller.response()[2] == b"POST /a is connected"
    first, *others = callers
    first.send(post("/stop", "0"))
    assert echo.stopped.wait(20)
    for number, caller in enumerate(others):
        # Of three that one caller sends ahead each is answered after the one before.
        caller.send(post("/a", f"{number} one") + post("/slow", f"{number} two") + post("/a", f"{number} three"))
    echo.may.set()
    assert first.response()[2] == b"POST /stop 0"
    for number, caller in enumerate(others):
        answers = [caller.response()[2].decode() for _ in range(3)]
        assert answers == [f"POST /a {number} one", f"POST /slow {number} two", f"POST /a {number} three"]
        caller.file.close()
        caller.socket.close()
    assert max(echo.together) == len(others)


def test_a_request_that_breaks_the_answering_of_several_costs_no_other_caller_its_answer(
    server: HttpServer, echo: Echo
) -> None:
    callers = [Caller(server) for _ in range(5)]
    for caller in callers:
        caller.send(post("/a", "is connected"))
        assert caller.response()[2] == b"POST /a is connected"
    first, *others = callers
    first.send(post("/stop", "0"))
    assert echo.stopped.wait(20)
    for number, caller in enumerate(others):
        caller.send(post("/poison" if number == 1 else "/a", str(number)))
    echo.may.set()
    assert [caller.response()[2] for caller in others] == [b"POST /a 0", b"POST /poison 1", b"POST /a 2", b"POST /a 3"]
    assert len(others) in echo.together
    for caller in callers:
        caller.file.close()
        caller.socket.close()
