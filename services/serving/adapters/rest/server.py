"""Runs an ASGI application on uvicorn in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread
from typing import Any

import uvicorn
import uvloop

from fairlead.kit.errors import Unavailable

BACKLOG = 2048


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

    def __init__(self, app: Any, listener: socket.socket, *, grace: int = 10) -> None:
        """Serve app on the listener; at the end requests under way have grace seconds."""
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = Thread(target=self._run, name="rest-door", daemon=True)
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Refuse new requests, let those under way finish, and return."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._server.serve(sockets=[self._listener]))
