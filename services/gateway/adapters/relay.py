"""Predictions to serving: each deployment's to the process that holds its model, many on one stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import grpc

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import RelayServiceStub
from fairlead.kit.errors import Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import from_details, from_rpc_error
from fairlead.kit.telemetry import inject

from ..domain.placement import Placement
from .relay_stream import RelayStream, StreamLost

MEGABYTE = 1024 * 1024
MESSAGE_BYTES = 64 * MEGABYTE
QUICK_BYTES = 16 * 1024
"""A larger body is sent by itself: it would hold up the others on the stream."""
FOLLOW_SECONDS = 1.0
"""How often the endpoints are asked for anew."""
TRIES = 2

Endpoints = Callable[[], Awaitable[list[str]]]
"""Tells the host:port of every serving process there is now."""

_log = get_logger("fairlead.gateway.relay")


class _Endpoint:
    """One serving process: a stream for what is quick, single calls for the rest."""

    def __init__(self, address: str, metadata: tuple[tuple[str, str], ...]) -> None:
        self._channel = grpc.aio.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES),
                ("grpc.max_send_message_length", MESSAGE_BYTES),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._stub = RelayServiceStub(self._channel)
        self._metadata = metadata
        self._stream = RelayStream(self._stub, metadata)

    async def answer(self, call: pb.RelayedCall, seconds: float) -> pb.RelayedAnswer:
        """Return the answer to a call. Raises StreamLost, FairleadError."""
        if len(call.body) <= QUICK_BYTES:
            answer = await self._stream.ask(call, seconds)
            if not answer.slow:
                return answer
        request = pb.RelayOneRequest(call=call)
        try:
            return (await self._stub.RelayOne(request, metadata=self._metadata, timeout=seconds)).answer
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def close(self) -> None:
        """End the stream and the connection, once what was asked is answered."""
        await self._stream.close()
        await self._channel.close()


class Relay:
    """Asks serving on an event loop."""

    def __init__(self, endpoints: Endpoints, token: str, timeout: float) -> None:
        """Call the endpoints told with the token; an answer may take timeout seconds, or what the caller has left."""
        self._find = endpoints
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._timeout = timeout
        self._placement = Placement()
        self._endpoints: dict[str, _Endpoint] = {}
        self._following: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Find the endpoints, and follow their coming and going."""
        await self._update()
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Close the connections."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        for endpoint in self._endpoints.values():
            await endpoint.close()

    async def ask(self, call: pb.RelayedCall, *, traced: bool = False) -> pb.RelayedAnswer:
        """Return serving's answer, which has a body; with traced, serving's part is a span of the caller's trace.

        A call whose process is lost goes to another one, once. Raises what serving answers, Unavailable where no
        process can be reached, DeadlineExceeded.
        """
        if traced:
            carrier: dict[str, str] = {}
            inject(carrier)
            call.traceparent = carrier.get("traceparent", "")
        avoid: frozenset[str] = frozenset()
        seconds = deadline.remaining(self._timeout)
        for _ in range(TRIES):
            try:
                address = self._placement.choose(call.deployment, avoid)
            except LookupError:
                break
            self._placement.begin(address)
            try:
                answer = await self._endpoints[address].answer(call, seconds)
            except StreamLost as lost:
                _log.warning("a serving process was lost; its calls go elsewhere", endpoint=address, why=str(lost))
                avoid |= {address}
                continue
            finally:
                self._placement.end(address)
            if answer.error:
                raise from_details(answer.error)
            return answer
        raise Unavailable("the service 'serving' can't be reached now; try again in a few seconds", retry_after=2.0)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                await self._update()
            except OSError as error:
                # What was found before is as good as anything until the names are answered again.
                _log.warning("serving's endpoints can't be found now", why=str(error))

    async def _update(self) -> None:
        found = set(await self._find())
        if found == set(self._endpoints):
            return
        gone = [self._endpoints.pop(address) for address in set(self._endpoints) - found]
        for address in found - set(self._endpoints):
            self._endpoints[address] = _Endpoint(address, self._metadata)
        self._placement.set_endpoints(found)
        _log.info("serving's endpoints", endpoints=sorted(found))
        for endpoint in gone:
            await endpoint.close()
