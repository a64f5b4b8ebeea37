"""What every server for tests can do, whether it is a process or a container."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from typing import Protocol

READY_SECONDS = 90.0
# Below the ports that clients are given, so that none of theirs takes a server's while that is down.
_PORTS = range(30_100, 32_700)


class Server(Protocol):
    """A server that can be started more than once with the same data."""

    def start(self) -> None:
        """Start it; returns before it is ready."""
        ...

    def stop(self) -> None:
        """Ask it to end, wait until it has; its data stay."""
        ...

    def kill(self) -> None:
        """End it without warning; its data stay."""
        ...

    def discard(self) -> None:
        """End it and forget its data."""
        ...

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        ...

    def log(self) -> str:
        """Return the end of what it printed."""
        ...


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def wait_until_ready(
    what: str, server: Server, answers: Callable[[], None], errors: type[Exception] | tuple[type[Exception], ...]
) -> None:
    """Wait until `answers` returns without one of its errors; fails with the server's log where it never does."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            answers()
            return
        except errors as error:
            said = f"{type(error).__name__}: {error}\n{what} said:\n"
            assert server.is_running(), f"{what} ended before it was ready; {said}{server.log()}"
            assert time.monotonic() < deadline, f"{what} was not ready in {READY_SECONDS:.0f} s; {said}{server.log()}"
        time.sleep(0.1)
