"""Request id, trace, deadline, metrics, access log and audit of every call, and the last word on failures."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import anyio.to_thread
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairlead.kit.database import unavailable
from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.tracing import extract, span

from ..adapters.audit import AuditTrail
from ..domain.request_id import request_id_of
from ..domain.timeouts import timeout_of
from ..problems import problem_of, problem_of_http, problem_of_unexpected

CALLS = Counter("fairlead_gateway_calls_total", "HTTP calls answered.", ["method", "route", "status"])
SECONDS = Histogram("fairlead_gateway_seconds", "Seconds until an HTTP call was answered in full.", ["method", "route"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Polled every few seconds by whatever keeps Fairlead running: no news.
UNLOGGED = frozenset({"/healthz", "/readyz", "/metrics"})
LEFT = 499
"""The status of a call whose caller left before the answer, which nobody hears."""

_log = get_logger("fairlead.gateway")


class CallMiddleware:
    """Outermost of all: what it adds holds for refused and failed calls too."""

    def __init__(self, app: ASGIApp, audit: AuditTrail, timeout_limit: float) -> None:
        self._app = app
        self._audit = audit
        self._timeout_limit = timeout_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the call."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        # A copy: the server hands every call the same state.
        request_id = request_id_of(headers.get("x-request-id", ""))
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        call = _Call(scope, send, self._audit)
        with span(f"{call.method} {scope['path']}", parent=extract(headers), kind=SpanKind.SERVER):
            try:
                given = headers.get("x-request-timeout"), headers.get("grpc-timeout")
                with deadline.within(timeout_of(*given, self._timeout_limit)):
                    await self._app(scope, receive, call.send)
            except ClientDisconnect:
                call.status = call.status or LEFT
            except Exception as error:  # noqa: BLE001  # it is told to the caller
                await call.fail(response_of_failure(scope, error), receive)
            finally:
                call.close()


def response_of_failure(scope: Scope, error: Exception) -> Response:
    """Return the problem document of whatever a call failed with; what callers can't know of is logged."""
    if isinstance(error, FairleadError):
        return problem_of(scope, error)
    if isinstance(error, HTTPException):
        return problem_of_http(scope, error)
    path = scope["path"]
    if away := unavailable(error):
        _log.warning("a call failed for want of the database", path=path, error=str(error))
        return problem_of(scope, away)
    _log.error("a call failed unexpectedly", path=path, request_id=scope["state"]["request_id"], exc_info=error)
    return problem_of_unexpected(scope)


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count a call of a method that is one of METHODS, WEBSOCKET or other."""
    calls, durations = _series(method, route, status)
    calls.inc()
    durations.observe(seconds)


@lru_cache(maxsize=1024)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return CALLS.labels(method, route, str(status)), SECONDS.labels(method, route)


def tell(scope: Scope, status: int, seconds: float, request_id: str, principal: str) -> None:
    """Log a call that has ended."""
    _log.info(
        "call",
        method=scope.get("method", "WEBSOCKET"),
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 2),
        request_id=request_id,
        principal=principal,
    )


class _Call:
    """One call: what was answered, and telling of it."""

    def __init__(self, scope: Scope, send: Send, audit: AuditTrail) -> None:
        self._scope = scope
        self._send = send
        self._audit = audit
        self._started = time.perf_counter()
        self.method: str = scope.get("method", "WEBSOCKET")
        self.request_id: str = scope["state"]["request_id"]
        self.status = 0

    async def send(self, message: Message) -> None:
        """Pass an answer on, the request id added; a change is audited before its caller hears of it."""
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self.request_id
            if message["type"] == "http.response.start":
                await self._record()
        elif message["type"] == "websocket.accept":
            self.status = 101
        await self._send(message)

    async def fail(self, answer: Any, receive: Receive) -> None:
        """Answer a call that failed; one that was answered in part can only be broken off."""
        if self.status == 0:
            await answer(self._scope, receive, self.send)
        elif self._scope["type"] == "http":
            # The server closes the connection when an answer stays incomplete, so that nobody takes it for whole.
            raise ConnectionAbortedError("the answer broke off; the log line before this one says why")

    def close(self) -> None:
        """Count and log the call."""
        route = getattr(self._scope.get("route"), "path", "unmatched")
        method = self.method if self.method in METHODS or self.method == "WEBSOCKET" else "other"
        seconds = time.perf_counter() - self._started
        count(method, route, self.status, seconds)
        if self._scope["path"] not in UNLOGGED:
            principal = self._scope["state"].get("principal")
            tell(self._scope, self.status, seconds, self.request_id, principal.name if principal else "")

    async def _record(self) -> None:
        principal = self._scope["state"].get("principal")
        path = self._scope["path"]
        if principal is None or not self._audit.wants(self.method, path):
            return
        entry = (principal.name, self.method, path, self.request_id, self.status)
        try:
            await anyio.to_thread.run_sync(self._audit.record, *entry)
        except FairleadError as error:
            # The change is made, and to answer otherwise would be untrue; the entry is kept in the log.
            _log.error("a change could not be audited", entry=entry, why=error.message)
