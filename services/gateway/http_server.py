"""How the gateway's uvicorn speaks HTTP."""

from __future__ import annotations

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .middleware.calls import count

WEBSOCKET = b"websocket"
UPGRADE = b"upgrade"
DRAIN_SECONDS = 10
UNPARSED = "unparsed"
"""The route under which requests are counted that could not be read."""


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's, but a request for a protocol that is not offered is answered as one that asks for none.

    The parser takes what follows such a request's head for the other protocol, and uvicorn drops it: the body of
    every POST of `curl --http2`, for one.
    """

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._unset_keepalive_if_required()
        while data:
            try:
                self.parser.feed_data(data)
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
