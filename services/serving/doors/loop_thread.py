"""An event loop in a thread of its own, which a door has whose connections are its own too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, Protocol

import uvloop

from fairlead.kit.pulse import Pulse

LAG_TICK_SECONDS = 0.1


class Hurried(Protocol):
    """What refuses requests while the loop is behind."""

    behind: bool


class LoopThread:
    """Runs what serves until it is stopped."""

    def __init__(self, name: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let serve() end once stopped() says so; the name is the thread's."""
        self.loop: asyncio.AbstractEventLoop
        """There once it is started."""
        self.pulse = Pulse()
        """Of the loop; a thread that ends by an error stops giving signs."""
        self._serve = serve
        self._stopping = asyncio.Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self.loop = uvloop.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Have it end, and wait for that."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    async def stopped(self, within: float) -> bool:
        """Return whether it is to end, as soon as it is and within so many seconds."""
        try:
            await asyncio.wait_for(self._stopping.wait(), within)
        except TimeoutError:
            return False
        return True

    def watch_lag(self, seconds: float, told: Hurried) -> None:
        """Tell from now on whether the loop is more than so many seconds behind.

        What is read now has waited about as long as this did since it was due.
        """

        def look(due: float) -> None:
            now = self.loop.time()
            told.behind = now - due > seconds
            self.pulse.beat()
            self.loop.call_later(LAG_TICK_SECONDS, look, now + LAG_TICK_SECONDS)

        look(self.loop.time())

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._serve())
        self.pulse.end()
