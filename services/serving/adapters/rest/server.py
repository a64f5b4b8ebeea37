"""Listens for HTTP connections in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
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

    def __init__(self, app: Application, listener: socket.socket, *, grace: int = 10) -> None:
        """Serve app on the listener; at the end requests under way have grace seconds."""
        self._app = app
        self._listener = listener
        self._grace = grace
        self._loop: asyncio.AbstractEventLoop
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
        connections = Connections(self._app, self._loop)
        connections.date = _now()
        server = await self._loop.create_server(lambda: HttpConnection(connections), sock=self._listener)
        while not await _is_set(self._stopping, TICK_SECONDS):
            connections.date = _now()
            self._end_the_idle(connections)
        server.close()
        await self._drain(connections)

    def _end_the_idle(self, connections: Connections) -> None:
        now = self._loop.time()
        for connection in list(connections.open):
            waited = now - connection.since
            if connection.unread:
                if waited > READ_SECONDS:
                    connection.abort()
            elif not connection.busy and waited > (IDLE_SECONDS if connection.idle else READ_SECONDS):
                connection.close()

    async def _drain(self, connections: Connections) -> None:
        connections.ending = True
        until = self._loop.time() + self._grace
        for connection in list(connections.open):
            connection.end()
        while connections.open and self._loop.time() < until:
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
