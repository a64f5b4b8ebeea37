"""Listens for HTTP connections in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from email.utils import formatdate

from fairlead.kit.errors import Unavailable
from fairlead.kit.pulse import Pulse

from ..loop_thread import LoopThread
from .application import Application
from .connection import Connections, HttpConnection

BACKLOG = 2048
TICK_SECONDS = 1.0
IDLE_SECONDS = 75.0
"""How long a connection is kept without a request."""
READ_SECONDS = 120.0
"""How long a request may take to arrive, and an answer to be taken."""
DRAIN_TICK_SECONDS = 0.02
LAST_REQUEST_SECONDS = 1.0
"""How long a connection without a request is kept while the server ends: one may be on its way."""


@dataclass(frozen=True)
class Bounds:
    """How many connections there may be, and how many seconds the loop may lag behind before requests are refused."""

    connections: int = 4096
    lag_seconds: float = 5.0


def listen(address: str) -> socket.socket:
    """Return a listening socket at host:port (0: any free port). Raises Unavailable where the port is taken."""
    host, _, port = address.rpartition(":")
    try:
        return socket.create_server(
            (host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        raise Unavailable(f"{address} can't be listened at ({error.strerror}); stop what holds the port") from error


class HttpServer:
    """One HTTP listener, started and drained by its owner."""

    def __init__(
        self, app: Application, listener: socket.socket, *, grace: float = 10.0, bounds: Bounds | None = None
    ) -> None:
        """Serve app on the listener within bounds; at the end requests under way have grace seconds."""
        self._bounds = bounds or Bounds()
        self._app = app
        self._listener = listener
        self._grace = grace
        self.refused = {"connections": 0, "lag": 0}
        """How many connections and requests were refused, by reason."""
        self._thread = LoopThread("rest-door", self._serve)
        self.port: int = listener.getsockname()[1]

    @property
    def pulse(self) -> Pulse:
        """Return the pulse of its loop."""
        return self._thread.pulse

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self, grace: float | None = None) -> None:
        """Refuse new requests, let those under way finish, and return; grace is another time for them."""
        if grace is not None:
            self._grace = grace
        self._thread.stop()
        self._listener.close()

    async def _serve(self) -> None:
        loop = self._thread.loop
        connections = Connections(self._app, loop, most=self._bounds.connections, refused=self.refused)
        connections.date = _now()
        self._thread.watch_lag(self._bounds.lag_seconds, connections)
        server = await loop.create_server(lambda: HttpConnection(connections), sock=self._listener)
        while not await self._thread.stopped(TICK_SECONDS):
            connections.date = _now()
            self._end_the_idle(connections)
        await self._drain(connections, server)

    def _end_the_idle(self, connections: Connections) -> None:
        now = connections.loop.time()
        for connection in list(connections.open):
            waited = now - connection.since
            if connection.unread:
                if waited > READ_SECONDS:
                    connection.abort()
            elif not connection.busy and waited > (IDLE_SECONDS if connection.idle else READ_SECONDS):
                connection.close()

    async def _drain(self, connections: Connections, server: asyncio.Server) -> None:
        """Take no more connections, and end those there are.

        Each is told with its next answer; those that ask nothing more are closed after a while, for a request that is
        on its way when its connection is closed would be lost.
        """
        connections.ending = True
        # Who is in the listener's queue is served; the next one finds nobody listening and knows that.
        await asyncio.sleep(0)
        server.close()
        began = connections.loop.time()
        while connections.open and (now := connections.loop.time()) < began + self._grace:
            for connection in list(connections.open):
                if now - max(began, connection.since) > LAST_REQUEST_SECONDS:
                    connection.end()
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        for connection in list(connections.open):
            connection.abort()


def _now() -> bytes:
    return formatdate(usegmt=True).encode()
