"""One way to call another service."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc

from fairlead.kit.auth import token_for
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.certificates import Certificates
from fairlead.kit.rpc.certificates import certificates as certificates_of
from fairlead.kit.rpc.renewed import RenewedChannel
from fairlead.kit.rpc.repeating import READS, Repeating
from fairlead.kit.rpc.status import from_rpc_error
from fairlead.kit.settings import KitSettings
from fairlead.kit.tracing import inject

DNS = "dns:"
PATIENCE_SECONDS = 15.0
"""How long calls wait for a service behind a name, none of whose processes can be reached: others may be coming."""
_ROUND_ROBIN = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
NO_PROXY = ("grpc.enable_http_proxy", 0)
"""Services are beside each other, whatever proxy the environment names for what is outside."""
CONNECTING = (
    NO_PROXY,
    # A restarted service should be found again within about a second, and so should one that has moved.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # A try has so long, which a handshake between busy machines may need.
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    # A machine that is lost, or a process that stands still, says nothing, and TCP waits a quarter of an hour for it.
    # While calls wait, whoever has been silent for this long is asked for a sign of life, ...
    ("grpc.keepalive_time_ms", 10_000),
    # ... and has this long to give it, which a busy process may need.
    ("grpc.keepalive_timeout_ms", 20_000),
    # One that is sent for another purpose stands for it, with an end of its own.
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)


class _CallDetails(NamedTuple):
    method: str
    timeout: float | None
    metadata: list[tuple[str, str | bytes]]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _ClientInterceptor(grpc.UnaryUnaryClientInterceptor):
    """Adds token, trace and deadline, repeats what may be; turns failures into FairleadErrors."""

    def __init__(self, authorization: Callable[[], str], timeout: float, repeating: Repeating) -> None:
        self._authorization = authorization
        self._timeout = timeout
        self._repeating = repeating

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
    ) -> Any:
        """Return the answered call. Raises FairleadError."""
        ends_at = time.monotonic() + deadline.remaining(client_call_details.timeout or self._timeout)
        tries = 0
        while True:
            call = continuation(self._details(client_call_details, ends_at), request)
            # grpc hands failures of intercepted calls back as the call itself.
            failure = call.exception()
            if failure is None:
                self._repeating.answered()
                return call
            if not isinstance(failure, grpc.RpcError):
                raise failure
            tries += 1
            left = ends_at - time.monotonic()
            if not self._repeating.again(client_call_details.method, failure, tries, left):
                raise from_rpc_error(failure)

    def _details(self, asked: Any, ends_at: float) -> _CallDetails:
        carrier = {"authorization": self._authorization()}
        inject(carrier)
        return _CallDetails(
            asked.method,
            ends_at - time.monotonic(),
            [*(asked.metadata or ()), *carrier.items()],
            asked.credentials,
            asked.wait_for_ready,
            asked.compression,
        )


def connect(
    address: str,
    *,
    token: str | Callable[[], str],
    timeout: float = 30.0,
    max_message_mb: int = 64,
    reads: tuple[str, ...] = READS,
    patience: float = PATIENCE_SECONDS,
    certificates: Certificates | None = None,
) -> grpc.Channel:
    """Return a channel to host:port or dns:///name:port; it connects at the first call and again after a loss.

    The token is one that stays, or what makes the header of each call. Calls by a name are shared out to all processes
    behind it, and find those that come later. A call through the channel takes the caller's remaining time, at most
    timeout seconds, and raises FairleadError. It is sent again where no server saw it, by a name until none could be
    reached for patience seconds; and where its connection broke and its method's name begins with one of reads. With
    certificates both sides show theirs.
    """
    limit = max_message_mb * 1024 * 1024
    is_name = address.startswith(DNS)
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", limit),
        *CONNECTING,
    ]
    if is_name:
        options.append(("grpc.service_config", _ROUND_ROBIN))
    repeating = Repeating(patience if is_name else 0.0, reads)

    def secure(credentials: grpc.ChannelCredentials) -> grpc.Channel:
        return grpc.secure_channel(address, credentials, options=options)

    channel = (
        grpc.insecure_channel(address, options=options)
        if certificates is None
        else RenewedChannel(certificates, secure)
    )
    return grpc.intercept_channel(channel, _ClientInterceptor(_authorization(token), timeout, repeating))


def connect_to(
    settings: KitSettings, service: str, *, address: str = "", timeout: float = 30.0, reads: tuple[str, ...] = READS
) -> grpc.Channel:
    """Return a channel from the settings' service to another, at its own address or another; see connect().

    Raises FailedPrecondition where the settings' certificates can't be used.
    """
    return connect(
        address or str(getattr(settings, f"{service}_address")),
        token=token_for(settings, service),
        timeout=timeout,
        reads=reads,
        certificates=certificates_of(settings),
    )


def _authorization(token: str | Callable[[], str]) -> Callable[[], str]:
    return token if callable(token) else f"Bearer {token}".__str__
