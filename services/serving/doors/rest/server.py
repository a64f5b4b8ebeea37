"""Listens for HTTP connections in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from email.utils import formatdate
from threading import Thread

import uvloop

from fairlead.kit.errors import Unavailable

from .connection import Application, Connections, HttpConnection

BACKLOG = 2048
TICK_SECONDS = 1.0
IDLE_SECONDS = 75.0
"""How long a connection is kept without a request."""
READ_SECONDS = 120.0
"""How long a request may take to arrive, and an answer to be taken."""
DRAIN_TICK_SECONDS = 0.02
LAST_REQUEST_SECONDS = 1.0
"""How long a connection without a request is kept while the server ends: one may be on its way."""
LAG_TICK_SECONDS = 0.1


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
        self, app: Application, listener: socket.socket, *, grace: int = 10, bounds: Bounds | None = None
    ) -> None:
        """Serve app on the listener within bounds; at the end requests under way have grace seconds."""
        self._bounds = bounds or Bounds()
        self._app = app
        self._listener = listener
        self._grace = grace
        self._loop: asyncio.AbstractEventLoop
        self.refused = {"connections": 0, "lag": 0}
        """How many connections and requests were refused, by reason."""
        self._stopping = asyncio.Event()
        self._thread = Thread(target=self._run, name="rest-door", daemon=True)
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        """Begin to answer."""
        self._loop = uvloop.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Refuse new requests, let those under way finish, and return."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        connections = Connections(self._app, self._loop, most=self._bounds.connections, refused=self.refused)
        connections.date = _now()
        self._watch_lag(connections, self._loop.time())
        server = await self._loop.create_server(lambda: HttpConnection(connections), sock=self._listener)
        while not await _is_set(self._stopping, TICK_SECONDS):
            connections.date = _now()
            self._end_the_idle(connections)
        await self._drain(connections, server)

    def _end_the_idle(self, connections: Connections) -> None:
        now = self._loop.time()
        for connection in list(connections.open):
            waited = now - connection.since
            if connection.unread:
                if waited > READ_SECONDS:
                    connection.abort()
            elif not connection.busy and waited > (IDLE_SECONDS if connection.idle else READ_SECONDS):
                connection.close()

    def _watch_lag(self, connections: Connections, due: float) -> None:
        """Note whether the loop is behind: what is read now has waited about as long as this did since it was due."""
        now = self._loop.time()
        connections.behind = now - due > self._bounds.lag_seconds
        self._loop.call_later(LAG_TICK_SECONDS, self._watch_lag, connections, now + LAG_TICK_SECONDS)

    async def _drain(self, connections: Connections, server: asyncio.Server) -> None:
        """Take no more connections, and end those there are.

        Each is told with its next answer; those that ask nothing more are closed after a while, for a request that is
        on its way when its connection is closed would be lost.
        """
        connections.ending = True
        # Who is in the listener's queue is served; the next one finds nobody listening and knows that.
        await asyncio.sleep(0)
        server.close()
        began = self._loop.time()
        while connections.open and (now := self._loop.time()) < began + self._grace:
            for connection in list(connections.open):
                if now - max(began, connection.since) > LAST_REQUEST_SECONDS:
                    connection.end()
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        for connection in list(connections.open):
            connection.abort()


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _now() -> bytes:
    return formatdate(usegmt=True).encode()
