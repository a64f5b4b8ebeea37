"""One serving process as the relay sees it: a stream for what is quick, single calls for the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import RelayServiceStub
from fairlead.kit.errors import DeadlineExceeded
from fairlead.kit.rpc.certificates import Identity
from fairlead.kit.rpc.channel import CONNECTING
from fairlead.kit.rpc.repeating import never_sent
from fairlead.kit.rpc.status import from_rpc_error, is_broken

from .stream import DRAIN_SECONDS, RelayStream, StreamLost

MESSAGE_BYTES = 64 * 1024 * 1024
QUICK_BYTES = 16 * 1024
"""A larger body is sent by itself: it would hold up the others on the stream."""
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    *CONNECTING,
    # An endpoint made in another's place must not be given its connection.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True)
class Peer:
    """How a process of serving's shows who it is, where connections are encrypted."""

    identity: Identity
    """What is shown to it."""
    name: str
    """The name that its certificate is for; "" for its address."""


class RelayEndpoint:
    """Asks one process. For use on one event loop."""

    def __init__(
        self,
        address: str,
        authorization: Callable[[], str],
        silent_seconds: float,
        on_silent: Callable[[StreamLost], None],
        peer: Peer | None = None,
    ) -> None:
        """Speak to host:port, until it is silent, which on_silent is told; the first call opens a connection."""
        self._channel = _channel(address, peer)
        self._stub = RelayServiceStub(self._channel)
        self._authorization = authorization
        self._stream = RelayStream(self._stub, authorization, silent_seconds, on_silent)

    async def answer(self, call: pb.RelayedCall, end: float) -> pb.RelayedAnswer:
        """Return the answer to a call, which must come before the monotonic time end.

        Raises StreamLost where the process is gone, FairleadError.
        """
        if len(call.body) <= QUICK_BYTES:
            answer = await self._stream.ask(call, end)
            if not answer.slow:
                return answer
        seconds = end - time.monotonic()
        if seconds <= 0:
            raise DeadlineExceeded("serving did not answer in time")
        # By the stream it is known whether there is still somebody to answer.
        self._stream.watch()
        request = pb.RelayOneRequest(call=call)
        try:
            metadata = (("authorization", self._authorization()),)
            return (await self._stub.RelayOne(request, metadata=metadata, timeout=seconds)).answer
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not the caller's doing: the connection was closed, which cancels what is under way on it.
            raise StreamLost("the connection was closed") from None
        except grpc.aio.AioRpcError as error:
            if _is_lost(error):
                raise StreamLost(error.details() or error.code().name, taken=not never_sent(error)) from None
            raise from_rpc_error(error) from None

    def is_there(self) -> bool:
        """Return whether there is a connection, and begin to connect where there is none."""
        return self._channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY

    async def close(self, seconds: float = DRAIN_SECONDS) -> None:
        """End the stream and the connection, once what was asked is answered, or is not within so many seconds."""
        await self._stream.close(seconds)
        await self._channel.close(seconds)


def _is_lost(error: grpc.aio.AioRpcError) -> bool:
    # A process that is at its end cancels what is under way.
    return is_broken(error) or error.code() is grpc.StatusCode.CANCELLED


def _channel(address: str, peer: Peer | None) -> grpc.aio.Channel:
    if peer is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    options: list[tuple[str, int | str]] = [*_OPTIONS]
    if peer.name:
        # Processes behind a name are called by their addresses, and have certificates for the name.
        options.append(("grpc.ssl_target_name_override", peer.name))
    return grpc.aio.secure_channel(address, peer.identity.channel_credentials, options=options)
