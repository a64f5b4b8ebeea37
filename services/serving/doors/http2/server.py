"""Listens for gRPC in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from dataclasses import dataclass
from threading import Event, Thread

import uvloop

from fairlead.kit.errors import Internal

from .connection import Http2Connection
from .connections import Connections
from .front import Front
from .onward import Onward

TICK_SECONDS = 1.0
DRAIN_TICK_SECONDS = 0.02
LAG_TICK_SECONDS = 0.1
QUIET_SECONDS = 0.5
"""A call whose caller says nothing for so long, and is owed nothing, is taken for one that waits for nothing."""
LAST_CALL_SECONDS = 1.0
"""How long a connection without a call is kept while the server ends: one may be on its way."""
LAST_ANSWERS_SECONDS = 0.2
"""How long those whose calls the server's end cuts short have to read that."""


@dataclass(frozen=True)
class Bounds:
    """How many connections there may be, and what is waited for, in seconds.

    A connection without a call is ended after idle; a caller who has calls and says nothing for silence is asked
    whether it is there, and has grace to say so; an answer, or the last of a connection, is to be taken within
    reading; requests are refused while the loop lags.
    """

    connections: int = 4096
    idle: float = 600.0
    silence: float = 60.0
    grace: float = 20.0
    reading: float = 120.0
    lag: float = 5.0


class Http2Server:
    """One listener, started and drained by its owner."""

    def __init__(
        self,
        front: Front,
        onward: Onward,
        listener: socket.socket,
        *,
        bounds: Bounds | None = None,
        grace: float = 10.0,
    ) -> None:
        """Take calls from the listener; at the end those under way have grace seconds."""
        self._front = front
        self._onward = onward
        self._listener = listener
        self._bounds = bounds or Bounds()
        self._grace = grace
        self._loop: asyncio.AbstractEventLoop
        self._connections: Connections
        self._stopping = asyncio.Event()
        self._started = Event()
        self._listens = False
        self._thread = Thread(target=self._run, name="grpc-door", daemon=True)
        self.port: int = listener.getsockname()[1]

    @property
    def open(self) -> Collection[Http2Connection]:
        """Return the connections that are open."""
        return self._connections.open if self._listens else ()

    def start(self) -> None:
        """Begin to answer."""
        self._loop = uvloop.new_event_loop()
        self._thread.start()
        self._started.wait()
        if not self._listens:
            raise Internal("the gRPC door could not be opened; the service's log has the detail")

    def stop(self) -> None:
        """Take no new calls, let those under way finish, and return."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._onward.open()
        front, bounds = self._front, self._bounds
        self._connections = Connections(front, self._loop, most=bounds.connections, refused=front.refused)
        connections = self._connections
        server = await self._loop.create_server(lambda: Http2Connection(connections), sock=self._listener)
        self._watch_lag(self._loop.time())
        self._listens = True
        self._started.set()
        while not await _is_set(self._stopping, TICK_SECONDS):
            now = self._loop.time()
            for connection in list(connections.open):
                self._look_at(connection, now)
        await self._drain(connections, server)
        await self._onward.close()

    def _look_at(self, connection: Http2Connection, now: float) -> None:
        """End what its caller has given up: connections, and calls."""
        bounds, silent = self._bounds, now - connection.since
        connection.forgive()
        if connection.unread:
            if silent > bounds.reading:
                connection.abort()
            return
        for call in list(connection.calls.values()):
            self._front.look_at(call, now)
            if call.unsent and now - call.since > bounds.reading:
                connection.drop(call)
        if connection.asked_at is not None:
            if now - connection.asked_at > bounds.grace:
                connection.abort()
        elif connection.calls and silent > bounds.silence:
            connection.ask_whether_there(now)
        elif not connection.calls and silent > bounds.idle:
            connection.end()

    def _watch_lag(self, due: float) -> None:
        """Note whether the loop is behind: what is read now has waited about as long as this did since it was due."""
        now = self._loop.time()
        self._front.behind = now - due > self._bounds.lag
        self._loop.call_later(LAG_TICK_SECONDS, self._watch_lag, now + LAG_TICK_SECONDS)

    async def _drain(self, connections: Connections, server: asyncio.Server) -> None:
        """Take no more connections, tell those there are, and let them end."""
        connections.ending = True
        # Who is in the listener's queue is served; the next one finds nobody listening and knows that.
        await asyncio.sleep(0)
        server.close()
        for connection in list(connections.open):
            connection.tell_end()
        began = self._loop.time()
        while connections.open and (now := self._loop.time()) < began + self._grace:
            for connection in list(connections.open):
                quiet = now - max(began, connection.since)
                if quiet > QUIET_SECONDS:
                    for call in list(connection.calls.values()):
                        self._front.end_quiet(call)
                if not connection.calls and quiet > LAST_CALL_SECONDS:
                    connection.end()
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        if connections.open:
            for connection in list(connections.open):
                for call in list(connection.calls.values()):
                    self._front.cut_short(call)
                connection.end()
            await asyncio.sleep(LAST_ANSWERS_SECONDS)
        for connection in list(connections.open):
            connection.abort()


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
