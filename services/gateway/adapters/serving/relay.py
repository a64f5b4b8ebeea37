"""Predictions to serving: each deployment's to the process that holds its model, many on one stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.kit.errors import Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.certificates import Certificates
from fairlead.kit.rpc.status import from_details
from fairlead.kit.tracing import inject

from ...domain.placement import Placement
from ...domain.request_id import request_id_of
from .endpoint import Peer, RelayEndpoint
from .metrics import CALLS_LOST, CALLS_UNDER_WAY
from .stream import DRAIN_SECONDS, SILENT_SECONDS, StreamLost

FOLLOW_SECONDS = 1.0
"""How often the endpoints are asked for anew, and those that were lost are looked at again."""
FIND_SECONDS = 2.0
"""How long the endpoints are waited for at first: all but predictions is there without them."""
TRIES = 2

Endpoints = Callable[[], Awaitable[list[str]]]
"""Tells the host:port of every serving process there is now."""

_log = get_logger("fairlead.gateway.relay")


class Relay:
    """Asks serving on an event loop."""

    def __init__(
        self,
        endpoints: Endpoints,
        authorization: Callable[[], str],
        timeout: float,
        *,
        silent_seconds: float = SILENT_SECONDS,
        patience: float = 0.0,
        certificates: Certificates | None = None,
        name: str = "",
    ) -> None:
        """Call the endpoints told with that header; an answer may take timeout seconds, or what the caller has left.

        A process that should answer and says nothing for silent_seconds is taken for lost. Calls wait for one that
        answers until there was none for patience seconds; after that they fail at once. With certificates both sides
        show theirs, serving's processes one for the name, or for their addresses where it is empty.
        """
        self._certificates = certificates
        self._identity = certificates.identity if certificates else None
        self._name = name
        self._silent_seconds = silent_seconds
        self._patience = patience
        self._alone_since: float | None = None
        self._news = asyncio.Event()
        self._find = endpoints
        self._authorization = authorization
        self._timeout = timeout
        self._placement = Placement()
        self._endpoints: dict[str, RelayEndpoint] = {}
        # Lost not long ago: avoided while there are others, so that only the first calls pay for it.
        self._away: frozenset[str] = frozenset()
        self._following: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()
        self._unfound = False
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Find the endpoints, and follow their coming and going."""
        CALLS_UNDER_WAY.watch(self._placement)
        self._following = asyncio.create_task(self._follow())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), FIND_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        await asyncio.gather(*self._closing, *(endpoint.close() for endpoint in self._endpoints.values()))

    async def ask(self, call: pb.RelayedCall, *, traced: bool = False) -> pb.RelayedAnswer:
        """Return serving's answer, which has a body; with traced, serving's part is a span of the caller's trace.

        A call whose process is lost goes to another one, once where that may have been its doing. Raises what serving
        answers, Unavailable where no process can be reached, DeadlineExceeded.
        """
        if traced:
            carrier: dict[str, str] = {}
            inject(carrier)
            call.traceparent = carrier.get("traceparent", "")
        # Where the call was lost it may be in the log already: it comes by the same name again.
        call.request_id = request_id_of("")
        lost_at: frozenset[str] = frozenset()
        sent = losses = 0
        end = time.monotonic() + deadline.remaining(self._timeout)
        while losses < TRIES:
            address = self._choose(call.deployment, lost_at)
            if not address or (address in lost_at and sent >= TRIES):
                if not await self._comes(end):
                    break
                sent, lost_at = 0, frozenset()
                continue
            sent += 1
            self._placement.begin(address)
            try:
                answer = await self._endpoints[address].answer(call, end)
            except StreamLost as lost:
                CALLS_LOST.inc()
                self._lose(address, lost)
                lost_at |= {address}
                losses += lost.taken
                continue
            finally:
                self._placement.end(address)
            self._alone_since = None
            if answer.error:
                raise from_details(answer.error)
            return answer
        where = "reached now" if self._endpoints else "found: its name is not resolved yet"
        raise Unavailable(f"the service 'serving' can't be {where}; try again in a few seconds", retry_after=2.0)

    def _choose(self, deployment: str, lost_at: frozenset[str]) -> str:
        """Return where a call goes that was lost at some; "" where there is nowhere."""
        if not self._endpoints:
            return ""
        chosen = self._placement.choose(deployment, self._away | lost_at)
        # Better one that was away a moment ago than one that just failed.
        return self._placement.choose(deployment, lost_at) if chosen in lost_at else chosen

    async def _comes(self, end: float) -> bool:
        """Wait for endpoints that come or are back; return whether there are before the time end, within patience."""
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        left = min(end, self._alone_since + self._patience) - now
        if left <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), left)
            return True
        return False

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _lose(self, address: str, lost: StreamLost) -> None:
        if address not in self._endpoints or address in self._away:
            return
        _log.warning("a serving process was lost; its calls go elsewhere", endpoint=address, why=str(lost))
        self._away |= {address}
        if lost.silent:
            # A connection by which nothing comes may never end by itself, and there is nothing to wait for.
            self._close(self._endpoints[address], 0.0)
            self._endpoints[address] = self._endpoint(address)

    def _look_again(self) -> None:
        """Send calls again to those that were lost and are connected to again."""
        back = frozenset(address for address in self._away if self._endpoints[address].is_there())
        if back:
            _log.info("serving processes are back", endpoints=sorted(back))
            self._away -= back
            self._tell_news()

    async def _follow(self) -> None:
        while True:
            await self._find_endpoints()
            self._looked.set()
            await asyncio.sleep(FOLLOW_SECONDS)
            self._look_again()
            self._show_newest()

    async def _find_endpoints(self) -> None:
        try:
            found = set(await self._find())
        except Exception as error:  # noqa: BLE001  # a resolver may fail in any way, and is asked again
            if not self._unfound:
                # What was found before is as good as anything until the names are answered again.
                _log.warning("serving's endpoints can't be found now", why=str(error) or repr(error))
            self._unfound = True
            return
        if self._unfound:
            _log.info("serving's endpoints are found again")
        self._unfound = False
        self._use(found)

    def _use(self, found: set[str]) -> None:
        """Send calls to these endpoints and to no other."""
        if found == set(self._endpoints):
            return
        gone = [self._endpoints.pop(address) for address in set(self._endpoints) - found]
        for address in found - set(self._endpoints):
            self._endpoints[address] = self._endpoint(address)
        self._placement.set_endpoints(found)
        self._away &= found
        self._tell_news()
        _log.info("serving's endpoints", endpoints=sorted(found))
        for endpoint in gone:
            self._close(endpoint)

    def _show_newest(self) -> None:
        """Connect anew where there is a new certificate to show; calls under way end on the connections before."""
        if self._certificates is None or self._certificates.identity is self._identity:
            return
        self._identity = self._certificates.identity
        before, self._endpoints = self._endpoints, {address: self._endpoint(address) for address in self._endpoints}
        for endpoint in before.values():
            self._close(endpoint)

    def _endpoint(self, address: str) -> RelayEndpoint:
        peer = Peer(self._identity, self._name) if self._identity else None

        def lose(lost: StreamLost) -> None:
            self._lose(address, lost)

        return RelayEndpoint(address, self._authorization, self._silent_seconds, lose, peer)

    def _close(self, endpoint: RelayEndpoint, seconds: float = DRAIN_SECONDS) -> None:
        """Close an endpoint, whose last answers may take so many seconds, while others go on."""
        closing = asyncio.create_task(endpoint.close(seconds))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
