"""Listens for gRPC in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from threading import Event, Thread

import uvloop

from .connection import Connections, Http2Connection
from .front import Front
from .onward import Onward

TICK_SECONDS = 1.0
DRAIN_TICK_SECONDS = 0.02
QUIET_SECONDS = 0.5
"""A stream whose caller says nothing for so long is taken for one that waits for nothing."""
LAST_CALL_SECONDS = 1.0
"""How long a connection without a call is kept while the server ends: one may be on its way."""


class Http2Server:
    """One listener, started and drained by its owner."""

    def __init__(
        self, front: Front, onward: Onward, listener: socket.socket, *, connections: int, grace: float = 10.0
    ) -> None:
        """Take calls from the listener; at the end those under way have grace seconds."""
        self._front = front
        self._onward = onward
        self._listener = listener
        self._most = connections
        self._grace = grace
        self._loop: asyncio.AbstractEventLoop
        self._stopping = asyncio.Event()
        self._started = Event()
        self._thread = Thread(target=self._run, name="grpc-door", daemon=True)
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        """Begin to answer."""
        self._loop = uvloop.new_event_loop()
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Take no new calls, let those under way finish, and return."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._onward.open()
        connections = Connections(self._front, self._loop, most=self._most)
        server = await self._loop.create_server(lambda: Http2Connection(connections), sock=self._listener)
        self._started.set()
        await self._stopping.wait()
        await self._drain(connections, server)
        await self._onward.close()

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
                    connection.close()
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        for connection in list(connections.open):
            connection.abort()
