"""The Prometheus endpoint of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import Unauthenticated


class _Server(ThreadingMixIn, WSGIServer):
    # A caller that connects and says nothing must hold up neither the next scrape nor the end.
    daemon_threads = True
    block_on_close = False


class _QuietHandler(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape every few seconds is no news."""


class MetricsServer:
    """Serves /metrics until closed."""

    def __init__(self, server: WSGIServer) -> None:
        self._server = server
        self._thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        self.port: int = server.server_port

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def start_metrics_server(address: str, verifier: TokenVerifier) -> MetricsServer:
    """Serve this process's Prometheus metrics at host:port/metrics to callers with a token.

    Raises OSError where the port is taken.
    """
    host, _, port = address.rpartition(":")
    metrics = make_wsgi_app()

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            verifier.verify(environ.get("HTTP_AUTHORIZATION"))
        except Unauthenticated as error:
            start_response("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
            return [error.message.encode()]
        if environ.get("PATH_INFO") != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"only /metrics is here"]
        answer: Iterable[bytes] = metrics(environ, start_response)
        return answer

    return MetricsServer(make_server(host, int(port), guarded, server_class=_Server, handler_class=_QuietHandler))
