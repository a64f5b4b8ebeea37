"""Waking whoever follows a task, from the projection's thread into the event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class TaskChanges:
    """Followers of tasks by name; announce may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._followers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.closing = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake followers on this loop from now on."""
        self._loop = loop

    def announce(self, names: set[str]) -> None:
        """Wake the followers of these tasks; before attach there are none."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, names)

    def close(self) -> None:
        """Tell all followers to come to an end; runs on the loop or in a signal handler on its thread."""
        self.closing = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, None)

    @contextmanager
    def watch(self, name: str) -> Iterator[asyncio.Event]:
        """Return an event that is set whenever the task changes; runs on the loop."""
        changed = asyncio.Event()
        self._followers[name].add(changed)
        try:
            yield changed
        finally:
            self._followers[name].discard(changed)
            if not self._followers[name]:
                del self._followers[name]

    def _wake(self, names: set[str] | None) -> None:
        for name in list(self._followers) if names is None else names:
            for changed in self._followers.get(name, ()):
                changed.set()
