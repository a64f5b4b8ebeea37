"""How a thread in the background works without holding up requests, which need the same interpreter."""

from __future__ import annotations

import time
from collections.abc import Callable

WORK_SECONDS = 0.0005
PAUSE_SECONDS = 0.0002
"""After so much work it gives way for so long: a request would else wait for it again and again, each time as long as
one thread may keep the interpreter."""


class Pace:
    """Gives way now and then, unless there is a hurry."""

    def __init__(self, hurries: Callable[[], bool]) -> None:
        self._hurries = hurries
        self._since = time.monotonic()

    def step(self) -> None:
        """Take a little time off where it is due; to be called after each small piece of work."""
        if time.monotonic() - self._since >= WORK_SECONDS and not self._hurries():
            time.sleep(PAUSE_SECONDS)
            self._since = time.monotonic()
