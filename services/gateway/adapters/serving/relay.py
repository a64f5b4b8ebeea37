"""Predictions to serving: each deployment's to the process that holds its model, many on one stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.kit.errors import Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import from_details
from fairlead.kit.telemetry import inject

from ...domain.placement import Placement
from .endpoint import RelayEndpoint
from .metrics import CALLS_LOST, CALLS_UNDER_WAY
from .stream import SILENT_SECONDS, StreamLost

FOLLOW_SECONDS = 1.0
"""How often the endpoints are asked for anew, and those that were lost are looked at again."""
TRIES = 2

Endpoints = Callable[[], Awaitable[list[str]]]
"""Tells the host:port of every serving process there is now."""

_log = get_logger("fairlead.gateway.relay")


class Relay:
    """Asks serving on an event loop."""

    def __init__(
        self, endpoints: Endpoints, token: str, timeout: float, *, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        """Call the endpoints told with the token; an answer may take timeout seconds, or what the caller has left.

        A process that should answer and says nothing for silent_seconds is taken for lost.
        """
        self._silent_seconds = silent_seconds
        self._find = endpoints
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._timeout = timeout
        self._placement = Placement()
        self._endpoints: dict[str, RelayEndpoint] = {}
        # Lost not long ago: avoided while there are others, so that only the first calls pay for it.
        self._away: frozenset[str] = frozenset()
        self._following: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Find the endpoints, and follow their coming and going."""
        CALLS_UNDER_WAY.watch(self._placement)
        await self._update()
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Close the connections."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        await asyncio.gather(*self._closing, *(endpoint.close() for endpoint in self._endpoints.values()))

    async def ask(self, call: pb.RelayedCall, *, traced: bool = False) -> pb.RelayedAnswer:
        """Return serving's answer, which has a body; with traced, serving's part is a span of the caller's trace.

        A call whose process is lost goes to another one, once. Raises what serving answers, Unavailable where no
        process can be reached, DeadlineExceeded.
        """
        if traced:
            carrier: dict[str, str] = {}
            inject(carrier)
            call.traceparent = carrier.get("traceparent", "")
        lost_at: frozenset[str] = frozenset()
        for _ in range(TRIES):
            seconds = deadline.remaining(self._timeout)
            try:
                address = self._choose(call.deployment, lost_at)
            except LookupError:
                break
            self._placement.begin(address)
            try:
                answer = await self._endpoints[address].answer(call, seconds)
            except StreamLost as lost:
                self._lose(address, lost)
                lost_at |= {address}
                continue
            finally:
                self._placement.end(address)
            if answer.error:
                raise from_details(answer.error)
            return answer
        raise Unavailable("the service 'serving' can't be reached now; try again in a few seconds", retry_after=2.0)

    def _choose(self, deployment: str, lost_at: frozenset[str]) -> str:
        """Return where a call goes that was lost at some. Raises LookupError where there is nowhere."""
        chosen = self._placement.choose(deployment, self._away | lost_at)
        # Better one that was away a moment ago than one that just failed.
        return self._placement.choose(deployment, lost_at) if chosen in lost_at else chosen

    def _lose(self, address: str, lost: StreamLost) -> None:
        CALLS_LOST.inc()
        if address not in self._endpoints or address in self._away:
            return
        _log.warning("a serving process was lost; its calls go elsewhere", endpoint=address, why=str(lost))
        self._away |= {address}
        if lost.silent:
            # A connection by which nothing comes may never end by itself.
            self._close(self._endpoints[address])
            self._endpoints[address] = self._endpoint(address)

    def _look_again(self) -> None:
        """Send calls again to those that were lost and are connected to again."""
        back = frozenset(address for address in self._away if self._endpoints[address].is_there())
        if back:
            _log.info("serving processes are back", endpoints=sorted(back))
            self._away -= back

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            self._look_again()
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
            self._endpoints[address] = self._endpoint(address)
        self._placement.set_endpoints(found)
        self._away &= found
        _log.info("serving's endpoints", endpoints=sorted(found))
        for endpoint in gone:
            self._close(endpoint)

    def _endpoint(self, address: str) -> RelayEndpoint:
        return RelayEndpoint(address, self._metadata, self._silent_seconds)

    def _close(self, endpoint: RelayEndpoint) -> None:
        """Close an endpoint, whose last answers may take their time."""
        closing = asyncio.create_task(endpoint.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
