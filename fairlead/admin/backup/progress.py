"""Telling how far a long copy is, every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 5.0

Say = Callable[[str], None]


class Progress:
    """Counts files and bytes, and says so now and then."""

    def __init__(self, what: str, say: Say) -> None:
        self._what = what
        self._say = say
        self._files = 0
        self._bytes = 0
        self._next = time.monotonic() + SECONDS

    def add(self, size: int) -> None:
        """Count a file."""
        self._files += 1
        self._bytes += size
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS
            self._say(f"{self._what}: {self._files:,} so far, {show_bytes(self._bytes)}")


def show_bytes(size: int) -> str:
    """Return a number of bytes as a person reads it."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
