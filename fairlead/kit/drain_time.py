"""The time that calls under way have once a process is told to stop, where its parts end one after another."""

from __future__ import annotations

import time

LEAST_SECONDS = 1.0
"""What the last part has, though those before it took all there was."""


class DrainTime:
    """Counts from begin() on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at: float | None = None

    def begin(self) -> None:
        """Let the time run; it begins once."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._seconds

    @property
    def left(self) -> float:
        """Return the seconds left: all of them before the beginning, and never less than a moment."""
        if self._ends_at is None:
            return self._seconds
        return max(LEAST_SECONDS, self._ends_at - time.monotonic())
