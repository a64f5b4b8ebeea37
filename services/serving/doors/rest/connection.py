"""One HTTP/1.1 connection: bytes to requests, requests to the application, its answers to bytes.

A web server's general interface costs a request more than everything else that Python does for one; this one knows that
requests are small, that their bodies are wanted whole, and that most are answered at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote_to_bytes

import httptools

from fairlead.kit.errors import FairleadError, InvalidArgument, ResourceExhausted
from fairlead.kit.logging import get_logger

from .application import Application
from .http import Request, Response, error_response, too_large

HEAD_BYTES = 64 * 1024
"""Larger heads are refused."""
WAITING = 16
"""Requests that a client may send ahead of the answers before it is read no further."""
TOGETHER = 64
"""Requests of different connections that are answered at a time."""
LINGER_SECONDS = 2.0
"""How long the rest of a refused body is read and dropped, so that its sender gets to read why."""
TOO_LARGE_HEAD = 431
RETRY_SECONDS = 1.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STAYS, STAYS_IN_1_0, ENDS = b"", b"connection: keep-alive\r\n", b"connection: close\r\n"
"""What an answer's head says of the connection: each request has its own, by its version and headers."""
_OF_UPGRADES = (b"upgrade", b"connection", b"http2-settings")
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

LOG = get_logger("fairlead.serving.rest")


class Connections:
    """What the connections of a server share: who they are, the time in words, and whether they are to end."""

    def __init__(
        self, application: Application, loop: asyncio.AbstractEventLoop, *, most: int, refused: dict[str, int]
    ) -> None:
        """Let there be so many connections at most; refusals are counted by reason."""
        self.application = application
        self.loop = loop
        self.most = most
        self.open: set[HttpConnection] = set()
        self.date = b""
        self.ending = False
        self.behind = False
        """Whether what is read now has waited too long already."""
        self._refused = refused
        self._asked: list[tuple[HttpConnection, Request, bytes]] = []

    def ask(self, connection: HttpConnection, request: Request, persistence: bytes) -> None:
        """Have a request answered together with those that have come by now, which the loop is about to hand on."""
        self._asked.append((connection, request, persistence))
        if len(self._asked) == 1:
            self.loop.call_soon(self._answer)

    def _answer(self) -> None:
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            if len(some) == 1:
                connection, request, persistence = some[0]
                connection.take(self.application.answer(request), request, persistence)
                continue
            answers = self._answers([request for _, request, _ in some])
            for (connection, request, persistence), answer in zip(some, answers, strict=True):
                connection.take(answer, request, persistence)

    def _answers(self, requests: list[Request]) -> list[Response | Awaitable[Response]]:
        try:
            return self.application.answer_all(requests)
        except Exception:
            # What one of them broke must not be the others'.
            LOG.exception("requests could not be answered together")
            return [self.application.answer(request) for request in requests]

    def refusal(self, reason: str, message: str) -> Response:
        """Count and return a refusal."""
        self._refused[reason] += 1
        return error_response(ResourceExhausted(f"{message}; try again later", retry_after=RETRY_SECONDS))


class HttpConnection(asyncio.Protocol):
    """Requests are answered one after another, in order."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._application = connections.application
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # given before anything else happens
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request | Response, bytes]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._asked = False
        self._writable = True
        self._paused = False
        self._reading = False
        self._in_head = False
        self._in_fields = False
        """Whether what comes next are headers, which are told when they are whole, or may be some."""
        self._head_bytes = 0
        self._refused = False
        self._refusal_is_told = False
        self._ends_here = False
        self._closed = False
        self.since = connections.loop.time()
        """When the last request ended, or the one that is still being read began."""

    @property
    def busy(self) -> bool:
        """Whether a request is being answered, or waits for that."""
        return self._asked or self._task is not None or bool(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing of a request is here."""
        return not self.busy and not self._reading

    @property
    def unread(self) -> bool:
        """Whether the client does not take what was written, or has not taken the last of it."""
        return self._closed or not self._writable

    def end(self) -> None:
        """Close now where nothing is under way, else after the answer to it."""
        if self.idle:
            self.close()

    def close(self) -> None:
        """Close once what was written is sent."""
        self._closed = True
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._closed = True
        self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.open.add(self)
        if len(self._connections.open) > self._connections.most:
            self._refuse(self._connections.refusal("connections", "too many connections are open here"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection is gone."""
        self._closed = True
        self._waiting.clear()
        self._connections.open.discard(self)

    def pause_writing(self) -> None:
        """The client reads too slowly: nothing more is answered until it has caught up."""
        self._writable = False
        self.since = self._connections.loop.time()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable = True
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Bytes have come; those that are no HTTP/1.1 are answered with 400."""
        while data and not self._closed and not self._ends_here and not self._is_dropped():
            in_fields = self._in_fields
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._without_upgrade(data[upgrade.args[0] :])
                continue
            except (httptools.HttpParserError, UnicodeDecodeError) as error:
                self._end_here(InvalidArgument(f"this is no HTTP/1.1 request: {error}"))
            if in_fields and self._in_fields:
                # The parser tells of a header when it is whole, which one without an end never is.
                self._count_head(len(data))
            return

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._reading = self._in_head = self._in_fields = True
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self.since = self._connections.loop.time()

    def on_url(self, url: bytes) -> None:
        """Its target, or a part of it."""
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; of those that come more than once the first counts, as behind the gateway.

        What comes behind a body in chunks is none of them (RFC 9110, 6.5.1), and counts as what it takes to read.
        """
        self._count_head(len(name) + len(value))
        if self._in_head and not self._refused:
            self._headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        """Its head is whole: whoever may not call is told before the body is read."""
        self._in_head = self._in_fields = False
        if self._refused:
            return
        self._path = _path_of(self._url)
        headers = self._headers
        try:
            self._application.admit(self._path, headers)
            length = headers.get(b"content-length")
            if length is not None and int(length) > self._application.body_bytes:
                raise too_large(self._application.body_bytes)
        except FairleadError as error:
            self._refuse(error_response(error))
            return
        if b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and not self.busy:
            self._transport.write(CONTINUE)

    def on_chunk_header(self) -> None:
        """A part of its body comes, or the headers behind the last one."""
        self._in_fields = True

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._in_fields = False
        if self._refused:
            return
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > self._application.body_bytes:
            self._refuse(error_response(too_large(self._application.body_bytes)))

    def on_message_complete(self) -> None:
        """It is whole: answer it, or let it wait for its turn."""
        if self._parser.should_upgrade() and not self._refused:
            # Its body, if it has one, was not read: see _without_upgrade().
            return
        self._reading = self._in_fields = False
        if self._refused:
            self._ends_here = True
            if self._refusal_is_told:
                self.close()
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        method = self._parser.get_method().decode("ascii")
        request = Request(method, self._path, self._headers, body, time.monotonic())
        persistence = ENDS
        if self._parser.should_keep_alive():
            persistence = STAYS_IN_1_0 if self._parser.get_http_version() == "1.0" else STAYS
        if not self.busy and self._writable:
            self._begin(request, persistence)
            return
        self._waiting.append((request, persistence))
        if len(self._waiting) >= WAITING and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _is_dropped(self) -> bool:
        """Return whether what comes is not even looked at: the end of a refused head, or of too many headers."""
        return self._refused and (self._in_head or self._head_bytes > HEAD_BYTES)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES and not self._refused:
            message = f"the request's head is larger than {HEAD_BYTES // 1024} kB; send fewer or shorter headers"
            response = error_response(ResourceExhausted(message))
            self._refuse(Response(response.body, TOO_LARGE_HEAD))

    def _refuse(self, response: Response) -> None:
        """Answer before the request is whole, in its turn. The connection ends with it; its rest is dropped."""
        self._refused = True
        self._waiting.append((response, ENDS))
        self._go_on()

    def _end_here(self, error: FairleadError) -> None:
        """Refuse what came, and read no further."""
        self._ends_here = True
        if not self._refused:
            self._refuse(error_response(error))
        elif self._refusal_is_told:
            self.close()

    def _tell_refusal(self, response: Response) -> None:
        self._refusal_is_told = True
        self._transport.write(self._head(response, ENDS) + response.body)
        if self._ends_here:
            self.close()
        else:
            self._connections.loop.call_later(LINGER_SECONDS, self.close)

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return the request that asks for another protocol as one that does not, and what came after its head.

        No other protocol is offered, and the parser leaves the body of such a request to the other one.
        """
        parser, self._parser = self._parser, httptools.HttpRequestParser(self)
        method = parser.get_method()
        if self._refused or method == b"CONNECT":
            self._end_here(InvalidArgument("this server offers HTTP/1.1 and no tunnel"))
            return b""
        lines = [b"%b %b HTTP/%b" % (method, self._url, parser.get_http_version().encode())]
        lines += [name + b": " + value for name, value in self._headers.items() if name not in _OF_UPGRADES]
        if b"close" in self._headers.get(b"connection", b"").lower():
            lines.append(b"connection: close")
        return b"\r\n".join([*lines, b"", rest])

    def _begin(self, request: Request | Response, persistence: bytes) -> None:
        if isinstance(request, Response):
            self._tell_refusal(request)
            return
        if self._connections.behind and request.method == "POST":
            refusal = self._connections.refusal("lag", "more requests come than can be answered")
            self._send(refusal, request, persistence)
            return
        self._asked = True
        self._connections.ask(self, request, persistence)

    def take(self, answer: Response | Awaitable[Response], request: Request, persistence: bytes) -> None:
        """Send the answer to the request that was asked, and go on with the next."""
        self._asked = False
        if isinstance(answer, Response):
            self._send(answer, request, persistence)
            if self._waiting:
                self._go_on()
        else:
            self._task = self._connections.loop.create_task(self._send_later(answer, request, persistence))

    async def _send_later(self, answer: Awaitable[Response], request: Request, persistence: bytes) -> None:
        response = await answer
        self._task = None
        self._send(response, request, persistence)
        self._go_on()

    def _go_on(self) -> None:
        """Answer what came meanwhile."""
        while self._waiting and not self._asked and self._task is None and self._writable and not self._closed:
            self._begin(*self._waiting.popleft())
        if self._paused and not self._closed and len(self._waiting) < WAITING:
            self._paused = False
            self._transport.resume_reading()

    def _send(self, response: Response, request: Request, persistence: bytes) -> None:
        if self._closed:
            return
        if self._connections.ending:
            persistence = ENDS
        head = self._head(response, persistence)
        self._transport.write(head if request.method == "HEAD" else head + response.body)
        self.since = self._connections.loop.time()
        if persistence == ENDS:
            self.close()

    def _head(self, response: Response, persistence: bytes) -> bytes:
        more = persistence
        for name, value in response.headers:
            more += name + b": " + value + b"\r\n"
        return b"%bdate: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n" % (
            _STATUS_LINES[response.status],
            self._connections.date,
            response.content_type,
            len(response.body),
            more,
        )


def _path_of(url: bytes) -> str:
    """Return the path of a request's target. Raises UnicodeDecodeError where it is no text."""
    path = url.partition(b"?")[0]
    if not path.startswith(b"/"):
        # An absolute target, as proxies send it.
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return (unquote_to_bytes(path) if b"%" in path else path).decode()
