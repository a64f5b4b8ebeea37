"""One way to call another service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc

from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import from_rpc_error
from fairlead.kit.tracing import inject


class _CallDetails(NamedTuple):
    method: str
    timeout: float | None
    metadata: list[tuple[str, str | bytes]]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _ClientInterceptor(grpc.UnaryUnaryClientInterceptor):
    """Adds token, trace and deadline; turns failures into FairleadErrors."""

    def __init__(self, token: str, timeout: float) -> None:
        self._token = token
        self._timeout = timeout

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
    ) -> Any:
        """Return the answered call. Raises FairleadError."""
        carrier = {"authorization": f"Bearer {self._token}"}
        inject(carrier)
        details = _CallDetails(
            client_call_details.method,
            deadline.remaining(client_call_details.timeout or self._timeout),
            [*(client_call_details.metadata or ()), *carrier.items()],
            client_call_details.credentials,
            client_call_details.wait_for_ready,
            client_call_details.compression,
        )
        call = continuation(details, request)
        # grpc hands failures of intercepted calls back as the call itself.
        failure = call.exception()
        if isinstance(failure, grpc.RpcError):
            raise from_rpc_error(failure)
        if failure is not None:
            raise failure
        return call


def connect(address: str, *, token: str, timeout: float = 30.0, max_message_mb: int = 64) -> grpc.Channel:
    """Return a channel to host:port; it connects at the first call and again after a loss.

    A call through it takes the caller's remaining time, at most timeout seconds, and raises FairleadError.
    """
    limit = max_message_mb * 1024 * 1024
    channel = grpc.insecure_channel(
        address,
        options=[
            ("grpc.max_receive_message_length", limit),
            ("grpc.max_send_message_length", limit),
            # A restarted service should be found again within about a second.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ],
    )
    return grpc.intercept_channel(channel, _ClientInterceptor(token, timeout))
