"""Whether an event loop goes on: a sign that it gives, and that somebody outside of it looks for."""

from __future__ import annotations

import time
from collections.abc import Callable

STUCK_SECONDS = 60.0
"""A loop that has not come round for so long never will: no request may hold it for more than a moment."""


class Pulse:
    """Lives until its loop stops giving signs without having said that it ends. Safe to use from many threads."""

    def __init__(self, seconds: float = STUCK_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is expected before the first sign; from then on one within so many seconds of the last."""
        self._seconds = seconds
        self._clock = clock
        self._last: float | None = None

    def beat(self) -> None:
        """Give a sign."""
        self._last = self._clock()

    def end(self) -> None:
        """Say that there will be no more signs."""
        self._last = None

    @property
    def lives(self) -> bool:
        """Return whether signs come as they should."""
        last = self._last
        return last is None or self._clock() - last <= self._seconds
