"""What happens around every call a server answers: identity, deadline, trace, metrics and error mapping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from threading import Lock
from types import TracebackType
from typing import Any, NoReturn

import grpc
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.database import unavailable
from fairlead.kit.errors import Code, FairleadError, ResourceExhausted, Unauthenticated, unexpected
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.pools import CallPools
from fairlead.kit.rpc.status import DETAILS_KEY, GRPC_CODES, to_details
from fairlead.kit.tracing import extract, span

CALLS = Counter("fairlead_rpc_calls_total", "Calls answered.", ["method", "code"])
SECONDS = Histogram("fairlead_rpc_seconds", "Seconds to answer a call.", ["method"])
OPEN_METHODS = ("/grpc.health.v1.Health/",)
TRACE = "traceparent"
MOST_STRANGERS = 32
"""Streams that callers without a token may hold at a time: each keeps a thread, of which others have need."""
RETRY_SECONDS = 5.0

_log = get_logger("fairlead.rpc")


class ServerInterceptor(grpc.ServerInterceptor):
    """Wraps every method of a server, those that stream included."""

    def __init__(
        self,
        verifier: TokenVerifier,
        open_methods: tuple[str, ...] = (),
        frequent_methods: tuple[str, ...] = (),
        pools: CallPools | None = None,
    ) -> None:
        """Ask for a token everywhere but at health checks and methods that begin with one of open_methods.

        frequent_methods are part of a trace where their caller has one, and begin none. With pools, calls that would
        wait too long for a worker are refused.
        """
        self._pools = pools
        self._verifier = verifier
        self._open_methods = (*OPEN_METHODS, *open_methods)
        self._frequent_methods = frozenset(frequent_methods)
        self._lock = Lock()
        self._strangers = 0

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return the method's handler with its behaviour wrapped, or one that refuses whoever has no token."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        metadata = {
            key: value for key, value in handler_call_details.invocation_metadata or () if isinstance(value, str)
        }
        if not method.startswith(self._open_methods):
            try:
                self._verifier.verify(metadata.get("authorization"))
            except Unauthenticated as error:
                refusal = _refusing(method, error)
                # A method that takes a stream is called before a message has come: whoever has no token has none
                # read, and keeps no thread waiting for it.
                return grpc.stream_unary_rpc_method_handler(self._pools.aside(refusal) if self._pools else refusal)
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else _unary_stream
            wrapped = self._stream(behaviour, method, metadata)
        else:
            behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
            make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else _unary_unary
            wrapped = self._unary(behaviour, method, metadata)
        if self._pools is not None:
            wrapped = self._placed(wrapped, method, self._pools, handler.response_streaming)
        return make(wrapped, handler.request_deserializer, handler.response_serializer)

    def _placed(self, behaviour: Any, method: str, pools: CallPools, is_stream: bool) -> Any:
        """Return what answers a call, the method or a refusal, told which threads run it."""
        pools.came()
        if method.startswith(self._open_methods) and not is_stream:
            return pools.aside(behaviour)
        refusal = pools.stream_refusal() if is_stream else pools.refusal()
        if refusal is not None:
            return pools.aside(_refusing(method, refusal))
        return pools.with_streams(behaviour) if is_stream else behaviour

    def _unary(self, behaviour: Any, method: str, metadata: dict[str, str]) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                with _Around(self, method, metadata, context):
                    return behaviour(request, context)
            finally:
                if self._pools is not None:
                    self._pools.wait_if_held()

        return call

    def _stream(self, behaviour: Any, method: str, metadata: dict[str, str]) -> Callable[[Any, Any], Any]:
        placed = self._place_of_a_stranger if self._is_a_strangers(method, metadata) else nullcontext

        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with self._pools.stream() if self._pools else nullcontext():
                with _Around(self, method, metadata, context), placed():
                    yield from behaviour(request, context)
                if self._pools is not None:
                    self._pools.wait_if_held()

        return call

    def _is_a_strangers(self, method: str, metadata: dict[str, str]) -> bool:
        """Return whether a stream, such as the watch of a server's health, was begun without a valid token."""
        if not method.startswith(self._open_methods):
            return False
        try:
            self._verifier.verify(metadata.get("authorization"))
        except Unauthenticated:
            return True
        return False

    @contextmanager
    def _place_of_a_stranger(self) -> Iterator[None]:
        """Count a stream of somebody unknown while the block runs. Raises ResourceExhausted for one too many."""
        with self._lock:
            if self._strangers >= MOST_STRANGERS:
                raise ResourceExhausted(
                    f"{MOST_STRANGERS} streams without a token are open here already; send one, or ask now and then",
                    retry_after=RETRY_SECONDS,
                )
            self._strangers += 1
        try:
            yield
        finally:
            with self._lock:
                self._strangers -= 1

    def caller_of(self, metadata: dict[str, str]) -> str:
        """Return who calls; "" for somebody unknown."""
        try:
            return self._verifier.verify(metadata.get("authorization")).name
        except Unauthenticated:
            return ""

    def surround(
        self, method: str, metadata: dict[str, str], context: grpc.ServicerContext
    ) -> AbstractContextManager[object] | None:
        """Return what a call runs in: its span and its deadline; None for neither."""
        left = context.time_remaining()
        if method not in self._frequent_methods or TRACE in metadata:
            return _in_span(method, metadata, left)
        return None if left is None else deadline.within(left)


@contextmanager
def _in_span(method: str, metadata: dict[str, str], left: float | None) -> Iterator[None]:
    with span(method, parent=extract(metadata), kind=SpanKind.SERVER), deadline.within(left):
        yield


class _Around:
    """What is done before and after a call; a class, for a generator in its place takes as long as the rest of it."""

    __slots__ = ("_context", "_inner", "_interceptor", "_metadata", "_method", "_started")

    def __init__(
        self, interceptor: ServerInterceptor, method: str, metadata: dict[str, str], context: grpc.ServicerContext
    ) -> None:
        self._interceptor = interceptor
        self._method = method
        self._metadata = metadata
        self._context = context

    def __enter__(self) -> None:
        self._started = time.perf_counter()
        self._inner: AbstractContextManager[object] | None = None
        try:
            inner = self._interceptor.surround(self._method, self._metadata, self._context)
            if inner is not None:
                inner.__enter__()
            self._inner = inner
        except Exception as error:  # noqa: BLE001  # it is told to the caller, as what the call itself raises
            self._failed(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._inner is not None:
            self._inner.__exit__(kind, error, traceback)
        if isinstance(error, Exception):
            self._failed(error)
        self._count("OK")

    def _failed(self, error: Exception) -> NoReturn:
        """Count the call and end it with the error's code, or with the one that the servicer has set. Always raises."""
        context, method = self._context, self._method
        caller = self._interceptor.caller_of(self._metadata)
        if isinstance(error, FairleadError):
            self._count(error.code.value)
            if error.code is Code.INTERNAL:
                _log.error("call failed", method=method, caller=caller, message=error.message)
            _abort(context, error)
        if ended := _code_set_by_servicer(context):
            self._count(ended)
            raise error
        if away := unavailable(error):
            self._count(away.code.value)
            _log.warning("call failed for want of the database", method=method, caller=caller, error=str(error))
            _abort(context, away, cause=error)
        self._count(Code.INTERNAL.value)
        _log.error("call failed unexpectedly", method=method, caller=caller, exc_info=error)
        _abort(context, unexpected(), cause=error)

    def _count(self, code: str) -> None:
        count_call(self._method, code, time.perf_counter() - self._started)


def count_call(method: str, code: str, seconds: float) -> None:
    """Count a call that was answered before it came to a server's methods; code is the canonical name."""
    calls, took = _series(method, code)
    calls.inc()
    took.observe(seconds)


@lru_cache(maxsize=1024)
def _series(method: str, code: str) -> tuple[Counter, Histogram]:
    return CALLS.labels(method, code), SECONDS.labels(method)


def _code_set_by_servicer(context: Any) -> str:
    """Return the code's name where the method, such as reflection's, ended the call itself; "" otherwise."""
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else ""


def _refusing(method: str, refusal: FairleadError) -> Callable[[Any, Any], Any]:
    def call(_request: Any, context: grpc.ServicerContext) -> Any:
        CALLS.labels(method, refusal.code.value).inc()
        _abort(context, refusal)

    return call


def _unary_unary(behaviour: Any, request_deserializer: Any, response_serializer: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(behaviour, request_deserializer, response_serializer)


def _unary_stream(behaviour: Any, request_deserializer: Any, response_serializer: Any) -> Any:
    return grpc.unary_stream_rpc_method_handler(behaviour, request_deserializer, response_serializer)


def _abort(context: grpc.ServicerContext, error: FairleadError, cause: BaseException | None = None) -> NoReturn:
    context.set_trailing_metadata(((DETAILS_KEY, to_details(error)),))
    try:
        context.abort(GRPC_CODES[error.code], error.message)
    except Exception as aborted:
        raise aborted from cause
    raise AssertionError("abort() always raises")
