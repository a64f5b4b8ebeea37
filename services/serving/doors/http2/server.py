"""Listens for gRPC in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from dataclasses import dataclass
from threading import Event

from fairlead.kit.errors import Internal
from fairlead.kit.logging import get_logger
from fairlead.kit.pulse import Pulse
from fairlead.kit.rpc.certificates import Certificates, Identity

from ..loop_thread import LoopThread
from .connection import Http2Connection
from .connections import Connections
from .front import Front
from .onward import Onward

TICK_SECONDS = 1.0
DRAIN_TICK_SECONDS = 0.02
QUIET_SECONDS = 0.5
"""A call whose caller says nothing for so long, and is owed nothing, is taken for one that waits for nothing."""
LAST_CALL_SECONDS = 1.0
"""How long a connection without a call is kept once it takes no more: one may be on its way."""
LAST_ANSWERS_SECONDS = 0.2
"""How long those whose calls the server's end cuts short have to read that."""

LOG = get_logger("fairlead.serving.http2")


@dataclass(frozen=True)
class Bounds:
    """How many connections there may be, and what is waited for, in seconds.

    A connection without a call is ended after idle; a caller who has calls and says nothing for silence is asked
    whether it is there, and has grace to say so; an answer, or the last of a connection, is to be taken within
    reading; requests are refused while the loop lags. A connection takes no new calls once it is about as old as age,
    so that callers find processes that came meanwhile; 0 for never.
    """

    connections: int = 4096
    idle: float = 600.0
    silence: float = 60.0
    grace: float = 20.0
    reading: float = 120.0
    lag: float = 5.0
    age: float = 0.0


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
        certificates: Certificates | None = None,
    ) -> None:
        """Take calls from the listener; at the end those under way have grace seconds.

        With certificates callers show one of the CA's.
        """
        self._certificates = certificates
        self._identity: Identity | None = None
        self._front = front
        self._onward = onward
        self._listener = listener
        self._bounds = bounds or Bounds()
        self._grace = grace
        self._connections: Connections
        self._started = Event()
        self._listens = False
        self._thread = LoopThread("grpc-door", self._serve)
        self.port: int = listener.getsockname()[1]

    @property
    def open(self) -> Collection[Http2Connection]:
        """Return the connections that are open."""
        return self._connections.open if self._listens else ()

    @property
    def pulse(self) -> Pulse:
        """Return the pulse of its loop."""
        return self._thread.pulse

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._started.wait()
        if not self._listens:
            raise Internal("the gRPC door could not be opened; the service's log has the detail")

    def stop(self, grace: float | None = None) -> None:
        """Take no new calls, let those under way finish, and return; grace is another time for them."""
        if grace is not None:
            self._grace = grace
        self._thread.stop()
        self._listener.close()

    async def _serve(self) -> None:
        try:
            await self._answer()
        finally:
            self._started.set()

    async def _answer(self) -> None:
        self._onward.open()
        front, bounds, loop = self._front, self._bounds, self._thread.loop
        self._connections = Connections(front, loop, most=bounds.connections, refused=front.refused)
        connections = self._connections
        server = await self._listen(connections)
        self._thread.watch_lag(bounds.lag, front)
        self._listens = True
        self._started.set()
        while not await self._thread.stopped(TICK_SECONDS):
            now = loop.time()
            if self._certificates is not None and self._certificates.identity is not self._identity:
                server = await self._listen_anew(connections, server)
            for connection in list(connections.open):
                self._look_at(connection, now)
        await self._drain(connections, server)
        await self._onward.close()

    async def _listen(self, connections: Connections) -> asyncio.Server:
        identity = None if self._certificates is None else self._certificates.identity
        server = await connections.loop.create_server(
            lambda: Http2Connection(connections),
            sock=self._listener.dup(),
            ssl=None if identity is None else identity.server_context,
        )
        self._identity = identity
        return server

    async def _listen_anew(self, connections: Connections, server: asyncio.Server) -> asyncio.Server:
        """Return who listens now that there is another certificate: the one before, where that is not possible yet."""
        try:
            # Both listen until the other has gone, so that nobody finds the door closed.
            new = await self._listen(connections)
        except OSError as error:
            LOG.error("the new certificate can't be used yet", why=str(error))
            return server
        server.close()
        return new

    def _look_at(self, connection: Http2Connection, now: float) -> None:
        """End what its caller has given up: connections, and calls."""
        bounds, silent = self._bounds, now - connection.since
        connection.forgive()
        if bounds.age and now - connection.began > bounds.age * connection.lot:
            connection.leave()
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
        elif not connection.calls and silent > (LAST_CALL_SECONDS if connection.leaves else bounds.idle):
            connection.end()

    async def _drain(self, connections: Connections, server: asyncio.Server) -> None:
        """Take no more connections, tell those there are, and let them end."""
        connections.ending = True
        # Who is in the listener's queue is served; the next one finds nobody listening and knows that.
        await asyncio.sleep(0)
        server.close()
        self._listener.close()
        for connection in list(connections.open):
            connection.tell_end()
        began = connections.loop.time()
        while connections.open and (now := connections.loop.time()) < began + self._grace:
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
