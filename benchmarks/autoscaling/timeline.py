"""Simulated time: what happens when."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

Action = Callable[..., None]


class Timeline:
    """Actions in the order of their times; those of the same time in the order they were planned."""

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._numbers = itertools.count()

    def at(self, time: float, action: Action, *arguments: Any) -> None:
        """Do something at a time that is not over."""
        heapq.heappush(self._planned, (time, next(self._numbers), action, arguments))

    def run(self, until: float) -> None:
        """Do everything that is planned up to a time, and what that plans."""
        planned = self._planned
        while planned and planned[0][0] <= until:
            self.now, _, action, arguments = heapq.heappop(planned)
            action(*arguments)
        self.now = until
