"""Traces across processes (W3C trace context through OpenTelemetry) and the Prometheus endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import make_wsgi_app

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import Unauthenticated

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("fairlead")


def configure_telemetry(service: str) -> None:
    """Give this process's spans real trace ids. Exporters, where wanted, are added to the global provider."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: f"fairlead-{service}"})))


def inject(carrier: dict[str, str]) -> None:
    """Write the current trace into a carrier, as the key traceparent."""
    _PROPAGATOR.inject(carrier)


def extract(carrier: Mapping[str, str]) -> Context:
    """Return the trace context that a carrier holds, or an empty one."""
    return _PROPAGATOR.extract(carrier)


@contextmanager
def span(name: str, parent: Context | None = None, **attributes: str | int | float | bool) -> Iterator[Span]:
    """Run a block inside a span. An exception is recorded on it and raised on."""
    with _TRACER.start_as_current_span(name, context=parent, attributes=attributes) as current:
        yield current


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
