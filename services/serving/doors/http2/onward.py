"""Calls that go on to the general server, as they came, and its answers on their way back."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from enum import Enum
from typing import Any

import grpc

from fairlead.kit.errors import FairleadError, InvalidArgument, ResourceExhausted, unexpected
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc.channel import NO_PROXY
from fairlead.kit.rpc.server import CALLS_OF_A_CONNECTION

from .call import Call, Header, encoded
from .line import Line
from .messages import Compressed

LANES = 8
"""Connections to the general server, which has so many calls at a time of each."""
RETRY_SECONDS = 1.0
INTERNAL = 13
_OF_THE_CONNECTION = re.compile(
    rb":.*|te|host|connection|content-(type|length)|user-agent|accept-encoding|grpc-(timeout|encoding|accept-encoding)"
)
_KEY = re.compile(rb"[0-9a-z_.-]+")
_VALUE = re.compile(rb"[ -~]*")
_OPTIONS = (
    NO_PROXY,
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Each has a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
    # A call fails while there is no connection, and the next one should find it again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

LOG = get_logger("fairlead.serving.http2")


class Way(Enum):
    """Who has connections of their own: whoever has no token keeps nobody from calling who has one."""

    KNOWN = LANES
    """Callers with a token, on so many connections."""
    OPEN = 1
    """Calls that need none."""
    WATCHING = 2
    """Those of them that do not end."""


class _Lane:
    """A connection to the general server."""

    def __init__(self, address: str) -> None:
        self.channel: Any = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self.calls = 0

    @property
    def is_full(self) -> bool:
        return self.calls >= CALLS_OF_A_CONNECTION


class Onward:
    """Opened and closed on the event loop that its calls come from."""

    def __init__(self, address: Callable[[], str]) -> None:
        """Send calls to the server at this address, which is known once it listens."""
        self._address = address
        self._lanes: dict[Way, list[_Lane]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def calls(self) -> int:
        """Return how many calls are under way."""
        return len(self._tasks)

    def open(self) -> None:
        """Prepare the connections, once there is a loop; each is made with its first call."""
        address = self._address()
        self._lanes = {way: [_Lane(address) for _ in range(way.value)] for way in Way}

    async def close(self) -> None:
        """End the calls that are left, and the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lanes in self._lanes.values():
            for lane in lanes:
                await lane.channel.close()

    def take(self, call: Call, way: Way = Way.KNOWN) -> Passed:
        """Send a call on from here; what is returned, its handler, is told what comes.

        Raises ResourceExhausted where too many are under way already, and
        InvalidArgument for metadata that is none.
        """
        lanes = self._lanes[way]
        lane = next((lane for lane in lanes if not lane.is_full), None)
        if lane is None:
            most = len(lanes) * CALLS_OF_A_CONNECTION
            raise ResourceExhausted(f"{most} calls are under way here already", retry_after=RETRY_SECONDS)
        passed = Passed(call, _metadata(call.metadata))
        lane.calls += 1
        call.handler = passed
        passed.task = task = call.connection.loop.create_task(passed.run(lane.channel))
        self._tasks.add(task)

        def ended(_task: asyncio.Task[None]) -> None:
            lane.calls -= 1
            self._tasks.discard(task)

        task.add_done_callback(ended)
        return passed


class Passed:
    """A call that goes on."""

    def __init__(self, call: Call, metadata: list[tuple[str, str | bytes]]) -> None:
        self._call = call
        self._metadata = metadata
        self._messages: Line[bytes] = Line()
        self._is_whole = False
        self._more = asyncio.Event()
        self._wrong: FairleadError | None = None
        self._came = self._answered = 0
        self.task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Return how many messages wait, large ones counted as several."""
        return self._messages.weight

    @property
    def owes(self) -> bool:
        """Return whether its caller has sent more messages than were answered.

        Whoever answers one message by many, such as the watch of a server's health, has answered it with the first.
        """
        return self._came > self._answered

    def came(self, message: bytes) -> None:
        """One more message."""
        self._came += 1
        self._messages.append(message)
        self._more.set()

    def sent_all(self) -> None:
        """There are no more."""
        self._is_whole = True
        self._more.set()

    def gone(self) -> None:
        """Its caller is gone."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, channel: Any) -> None:
        """Send what comes, and send back what is answered."""
        call = self._call
        made: Any = None
        try:
            # Each kind of call is a stream on the wire.
            made = channel.stream_stream(call.path)(
                self._all(), metadata=tuple(self._metadata), timeout=call.seconds_left()
            )
            # Errors are told below, as the end of every call is.
            with suppress(grpc.RpcError):
                async for message in made:
                    self._answered += 1
                    call.send(message)
                    await call.taken()
            await self._tell_end(made)
        except asyncio.CancelledError:
            if self._wrong is not None:
                call.fail(self._wrong)
            raise
        except Exception:
            LOG.exception("a call could not be sent on", path=call.path)
            call.fail(unexpected())
        finally:
            if made is not None:
                made.cancel()

    async def _tell_end(self, made: Any) -> None:
        code = await made.code()
        trailers = [
            encoded(key.encode(), value if isinstance(value, bytes) else value.encode())
            for key, value in await made.trailing_metadata() or ()
        ]
        self._call.finish(INTERNAL if code is None else code.value[0], await made.details() or "", trailers)

    async def _has_more(self) -> bool:
        while not self._messages and not self._is_whole:
            self._more.clear()
            await self._more.wait()
        return bool(self._messages)

    async def _all(self) -> AsyncIterator[bytes]:
        call = self._call
        while await self._has_more():
            message = self._messages.popleft()
            call.connection.go_on(call)
            if isinstance(message, Compressed):
                try:
                    # It may take a while, in which others are answered.
                    message = await call.connection.loop.run_in_executor(None, call.reader.whole, message)
                except FairleadError as error:
                    self._wrong = error
                    self.gone()
                    return
            yield message


def _metadata(headers: list[Header]) -> list[tuple[str, str | bytes]]:
    """Return what the caller says about its call. Raises InvalidArgument for what is no metadata of gRPC's."""
    found: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if _OF_THE_CONNECTION.fullmatch(name):
            continue
        if not _KEY.fullmatch(name):
            raise InvalidArgument(f"the metadata's key {name[:40].decode('latin-1')!r} is none of gRPC's")
        if name.endswith(b"-bin"):
            found += [(name.decode(), _binary(name, each)) for each in value.split(b",")]
        elif _VALUE.fullmatch(value):
            found.append((name.decode(), value.decode()))
        else:
            raise InvalidArgument(
                f"the metadata '{name.decode()}' is no printable ASCII; name it '{name.decode()}-bin'"
            )
    return found


def _binary(name: bytes, value: bytes) -> bytes:
    try:
        return b64decode(value.strip() + b"=" * (-len(value.strip()) % 4), validate=True)
    except NoBase64:
        raise InvalidArgument(f"the metadata '{name.decode()}' is no base64") from None
