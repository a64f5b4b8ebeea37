"""A channel that shows a new certificate once there is one."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import grpc

from fairlead.kit.rpc.certificates import Certificates


class RenewedChannel(grpc.Channel):
    """Makes a channel anew for each certificate; calls under way end on the one before, which is kept for them.

    Whoever makes a call asks it for the method each time, as channels with an interceptor do.
    """

    def __init__(self, certificates: Certificates, make: Callable[[grpc.ChannelCredentials], grpc.Channel]) -> None:
        self._certificates = certificates
        self._make = make
        self._lock = Lock()
        self._identity = certificates.identity
        self._channel = make(self._identity.channel_credentials)
        self._before: grpc.Channel | None = None

    def subscribe(self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool = False) -> None:
        """Tell of the connectivity of the channel there is now."""
        self._now().subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        """Tell no more of it."""
        self._now().unsubscribe(callback)

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        """Return the method on the channel there is now."""
        return self._now().unary_unary(*arguments, **named)

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        """Return the method on the channel there is now."""
        return self._now().unary_stream(*arguments, **named)

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        """Return the method on the channel there is now."""
        return self._now().stream_unary(*arguments, **named)

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """Return the method on the channel there is now."""
        return self._now().stream_stream(*arguments, **named)

    def close(self) -> None:
        """Close the channel, and the one before."""
        with self._lock:
            for channel in (self._before, self._channel):
                if channel is not None:
                    channel.close()

    def __enter__(self) -> RenewedChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _now(self) -> grpc.Channel:
        if self._certificates.identity is not self._identity:
            self._renew()
        return self._channel

    def _renew(self) -> None:
        with self._lock:
            identity = self._certificates.identity
            if identity is self._identity:
                return
            if self._before is not None:
                self._before.close()
            self._before, self._channel = self._channel, self._make(identity.channel_credentials)
            self._identity = identity
