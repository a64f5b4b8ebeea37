"""How the gateway's uvicorn speaks HTTP."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import Any
from urllib.parse import unquote

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .middleware.calls import count
from .prediction_cycle import PredictionCycle
from .prediction_door import PredictionDoor

WEBSOCKET = b"websocket"
UPGRADE = b"upgrade"
DRAIN_SECONDS = 10
HEAD_BYTES = 64 * 1024
TOO_LARGE_HEAD = 431
TOO_MANY_CONNECTIONS = 503
LOOK_SECONDS = 10.0
SILENT_SECONDS = 60.0
"""How long a connection that owes a request, or the rest of one, may say nothing."""
UNPARSED = "unparsed"
"""The route under which requests are counted that could not be read."""


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's, but predictions go to a door of their own, and a protocol that is not offered is not spoken.

    A request that asks for another protocol is answered as one that asks for none: the parser takes what follows its
    head for the other protocol, and uvicorn drops it, the body of every POST of `curl --http2`, for one.
    """

    _in_head = False
    # What comes next are headers, which are told when they are whole, or may be some.
    _in_fields = False
    # How many times they began, and how much came of these.
    _sections = 0
    _head_bytes = 0
    _look: asyncio.TimerHandle

    def __init__(self, *args: Any, predictions: PredictionDoor, most: int, **kwargs: Any) -> None:
        """Serve one of so many connections as uvicorn does, predictions by their door."""
        super().__init__(*args, **kwargs)
        self._predictions = predictions
        self._most = most
        self._heard = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """The connection is open."""
        super().connection_made(transport)
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_after)
        if len(self.connections) > self._most:
            self._refuse(TOO_MANY_CONNECTIONS, "Too many connections are open here; try again later.")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._look.cancel()
        if isinstance(self.cycle, PredictionCycle) and not self.cycle.response_complete:
            self.cycle.leave()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        self._begin_fields()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; what comes behind a body in chunks is none (RFC 9110, 6.5.1), and has an end too."""
        self._head_bytes += len(name) + len(b": ") + len(value) + len(b"\r\n")
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = self._in_fields = False
        if self.parser.get_method() != b"POST" or not self._begin_prediction():
            super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """A part of its body comes, or the headers behind the last one."""
        self._begin_fields()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._in_fields = False
        if isinstance(self.cycle, PredictionCycle):
            self.cycle.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._in_fields = False
        if isinstance(self.cycle, PredictionCycle):
            self.cycle.complete()
        else:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._unset_keepalive_if_required()
        self._heard = self.loop.time()
        while data and not self.transport.is_closing():
            was_in_fields, sections, head_bytes = self._in_fields, self._sections, self._head_bytes
            try:
                self.parser.feed_data(data)
                if was_in_fields and self._in_fields and sections == self._sections:
                    # All of it is headers; the parser keeps one until it is whole, which one without an end never is.
                    self._head_bytes = head_bytes + len(data)
                if self._in_fields and self._head_bytes > HEAD_BYTES:
                    # Nobody may have been asked for a token yet: what is kept of a head must have an end.
                    self._refuse_head()
                return
            except httptools.HttpParserUpgrade as upgrade:
                if self._asks_for_websocket():
                    if not self._ends_with_what_is_owed():
                        self.handle_websocket_upgrade()
                    return
                if self.scope["method"] == "CONNECT":
                    self.send_400_response("No tunnel is offered.")
                    return
                data = self._without_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
                return

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request of HTTP/1.1, and close the connection."""
        self._refuse(400, msg)

    def _begin_fields(self) -> None:
        self._in_fields = True
        self._sections += 1
        self._head_bytes = 0

    def _refuse_head(self) -> None:
        self._refuse(
            TOO_LARGE_HEAD, f"The request's head is larger than {HEAD_BYTES // 1024} kB; send fewer or shorter headers."
        )

    def _refuse(self, status: int, why: str) -> None:
        """Answer what could not be read, and close the connection, once what came before it is answered."""
        count("other", UNPARSED, status, 0.0)
        if self._ends_with_what_is_owed():
            return
        told = why.encode()
        head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(told)
        self.transport.write(STATUS_LINE[status] + head + told)
        self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on to whoever speaks that protocol."""
        self._look.cancel()
        super().handle_websocket_upgrade()

    def _ends_with_what_is_owed(self) -> bool:
        """Return whether a request came whole before this and has no answer yet: with it the connection ends."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        self.flow.pause_reading()
        return True

    def _look_after(self) -> None:
        """Close a connection that keeps nothing but its place: its request, or the rest of one, does not come."""
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_after)
        is_owed = self._in_head or self.cycle is None or self.cycle.more_body
        # A body may also wait because the application takes its time to read it.
        if is_owed and not self.flow.read_paused and self.loop.time() - self._heard > SILENT_SECONDS:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        # Asked of requests for another protocol alone: uvicorn leaves them to data_received().
        return True

    def _begin_prediction(self) -> bool:
        """Return whether the request whose head was read is one that the door takes, which it then has."""
        if (self.cycle is not None and not self.cycle.response_complete) or self.parser.should_upgrade():
            # One that is sent ahead of an answer waits for it among uvicorn's own.
            return False
        # Of headers that come more than once the first counts, as everywhere in the gateway.
        headers = dict(reversed(self.headers))
        prediction = self._predictions.prediction(_path_of(self.url), headers)
        if prediction is None:
            return False
        self.cycle = cycle = PredictionCycle(
            self,
            prediction,
            body_limit=self._predictions.body_limit,
            keep=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive(),
        )
        cycle.begin(headers.get(b"content-length", b""), wants_go_ahead=self.expect_100_continue)
        return True

    def _asks_for_websocket(self) -> bool:
        return self.scope["method"] == "GET" and self._get_upgrade() == WEBSOCKET and self._should_upgrade_to_ws()

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return the request whose head was read, asking for no other protocol, and what came after its head."""
        parser, self.parser = self.parser, httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        lines = [b"%b %b HTTP/%b" % (parser.get_method(), self.url, parser.get_http_version().encode())]
        lines += [b"%b: %b" % (name, value) for name, value in self.headers if name != UPGRADE]
        return b"\r\n".join([*lines, b"", rest])


def server_config(
    app: ASGIApp, predictions: PredictionDoor, *, connections: int, drain_seconds: float = DRAIN_SECONDS
) -> uvicorn.Config:
    """Return how the gateway is served, on so many connections; calls under way have some seconds when it ends."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(HttpProtocol, predictions=predictions, most=connections),  # type: ignore[arg-type]  # it makes one, which is all that is asked of it
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(drain_seconds),
        ws_max_size=1024 * 1024,
    )


def _path_of(url: bytes) -> str:
    """Return the path of a request's target, as uvicorn tells it to applications."""
    path: str = httptools.parse_url(url).path.decode("ascii")
    return unquote(path) if "%" in path else path
