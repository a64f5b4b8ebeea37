"""How the gateway's uvicorn speaks HTTP."""

from __future__ import annotations

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
UNPARSED = "unparsed"
"""The route under which requests are counted that could not be read."""


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's, but predictions go to a door of their own, and a protocol that is not offered is not spoken.

    A request that asks for another protocol is answered as one that asks for none: the parser takes what follows its
    head for the other protocol, and uvicorn drops it, the body of every POST of `curl --http2`, for one.
    """

    _in_head = False
    _head_bytes = 0

    def __init__(self, *args: Any, predictions: PredictionDoor, **kwargs: Any) -> None:
        """Serve a connection as uvicorn does, predictions by their door."""
        super().__init__(*args, **kwargs)
        self._predictions = predictions

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if isinstance(self.cycle, PredictionCycle) and not self.cycle.response_complete:
            self.cycle.leave()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        if self.parser.get_method() != b"POST" or not self._begin_prediction():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        if isinstance(self.cycle, PredictionCycle):
            self.cycle.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        if isinstance(self.cycle, PredictionCycle):
            self.cycle.complete()
        else:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._unset_keepalive_if_required()
        while data:
            was_in_head = self._in_head
            try:
                self.parser.feed_data(data)
                if was_in_head and self._in_head:
                    # Nobody has been asked for a token yet: what is kept of a head must have an end.
                    self._head_bytes += len(data)
                    if self._head_bytes > HEAD_BYTES:
                        self._refuse_head()
                return
            except httptools.HttpParserUpgrade as upgrade:
                if self._asks_for_websocket():
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
        count("other", UNPARSED, 400, 0.0)
        super().send_400_response(msg)

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

    def _refuse_head(self) -> None:
        count("other", UNPARSED, TOO_LARGE_HEAD, 0.0)
        told = f"The request's head is larger than {HEAD_BYTES // 1024} kB; send fewer or shorter headers.".encode()
        head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(told)
        self.transport.write(STATUS_LINE[TOO_LARGE_HEAD] + head + told)
        self.transport.close()

    def _should_upgrade(self) -> bool:
        # Asked of requests for another protocol alone: uvicorn leaves them to data_received().
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


def server_config(app: ASGIApp, predictions: PredictionDoor, *, drain_seconds: int = DRAIN_SECONDS) -> uvicorn.Config:
    """Return how the gateway is served; calls under way have so many seconds when it ends."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(HttpProtocol, predictions=predictions),  # type: ignore[arg-type]  # it makes one, which is all that is asked of it
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=drain_seconds,
        ws_max_size=1024 * 1024,
    )


def _path_of(url: bytes) -> str:
    """Return the path of a request's target, as uvicorn tells it to applications."""
    path: str = httptools.parse_url(url).path.decode("ascii")
    return unquote(path) if "%" in path else path
