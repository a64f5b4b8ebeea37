"""What every server for tests can do, whether it is a process or a container."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

READY_SECONDS = 90.0


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
