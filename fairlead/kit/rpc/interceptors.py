"""What happens around every call a server answers: identity, deadline, trace, metrics and error mapping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from prometheus_client import Counter, Histogram

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.database import unavailable
from fairlead.kit.errors import Code, FairleadError, Internal
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import DETAILS_KEY, GRPC_CODES, to_details
from fairlead.kit.telemetry import extract, span

CALLS = Counter("fairlead_rpc_calls_total", "Calls answered.", ["method", "code"])
SECONDS = Histogram("fairlead_rpc_seconds", "Seconds to answer a call.", ["method"])
OPEN_METHODS = ("/grpc.health.v1.Health/",)

_log = get_logger("fairlead.rpc")


class ServerInterceptor(grpc.ServerInterceptor):
    """Wraps every method of a server, those that stream included."""

    def __init__(self, verifier: TokenVerifier, open_methods: tuple[str, ...] = ()) -> None:
        """Ask for a token everywhere but at health checks and methods that begin with one of open_methods."""
        self._verifier = verifier
        self._open_methods = (*OPEN_METHODS, *open_methods)

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return the method's handler with its behaviour wrapped."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        metadata = {
            key: value for key, value in handler_call_details.invocation_metadata or () if isinstance(value, str)
        }
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else _unary_stream
            wrapped = self._stream(behaviour, method, metadata)
        else:
            behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
            make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else _unary_unary
            wrapped = self._unary(behaviour, method, metadata)
        return make(wrapped, handler.request_deserializer, handler.response_serializer)

    def _unary(self, behaviour: Any, method: str, metadata: dict[str, str]) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            with self._around(method, metadata, context):
                return behaviour(request, context)

        return call

    def _stream(self, behaviour: Any, method: str, metadata: dict[str, str]) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with self._around(method, metadata, context):
                yield from behaviour(request, context)

        return call

    @contextmanager
    def _around(self, method: str, metadata: dict[str, str], context: grpc.ServicerContext) -> Iterator[None]:
        started = time.perf_counter()
        code = "OK"
        try:
            if not method.startswith(self._open_methods):
                self._verifier.verify(metadata.get("authorization"))
            with span(method, parent=extract(metadata)), deadline.within(context.time_remaining()):
                yield
        except FairleadError as error:
            code = error.code.value
            if error.code is Code.INTERNAL:
                _log.error("call failed", method=method, message=error.message)
            _abort(context, error)
        except Exception as error:
            ended = _code_set_by_servicer(context)
            if ended:
                code = ended
                raise
            if away := unavailable(error):
                code = away.code.value
                _log.warning("call failed for want of the database", method=method, error=str(error))
                _abort(context, away, cause=error)
            code = Code.INTERNAL.value
            _log.exception("call failed unexpectedly", method=method)
            _abort(context, Internal("the service failed on this call; its log has the detail"), cause=error)
        finally:
            CALLS.labels(method, code).inc()
            SECONDS.labels(method).observe(time.perf_counter() - started)


def _code_set_by_servicer(context: Any) -> str:
    """Return the code's name where the method, such as reflection's, ended the call itself; "" otherwise."""
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else ""


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
