"""How the gateway's uvicorn speaks HTTP."""

from __future__ import annotations

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .middleware.calls import count

WEBSOCKET = b"websocket"
UPGRADE = b"upgrade"
DRAIN_SECONDS = 10
HEAD_BYTES = 64 * 1024
TOO_LARGE_HEAD = 431
UNPARSED = "unparsed"
"""The route under which requests are counted that could not be read."""


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's, but a request for a protocol that is not offered is answered as one that asks for none.

    The parser takes what follows such a request's head for the other protocol, and uvicorn drops it: the body of
    every POST of `curl --http2`, for one.
    """

    _in_head = False
    _head_bytes = 0

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()

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


def server_config(app: ASGIApp, *, drain_seconds: int = DRAIN_SECONDS) -> uvicorn.Config:
    """Return how the gateway is served; calls under way have so many seconds when it ends."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=drain_seconds,
        ws_max_size=1024 * 1024,
    )
