"""A pod's cores, shared evenly by what is computed at the same time."""

from __future__ import annotations

import heapq
import itertools
from typing import Any

from .timeline import Action, Timeline


class Processor:
    """Computes jobs of so many seconds of a core; a job uses one core at most."""

    def __init__(self, timeline: Timeline, cores: float) -> None:
        self._timeline = timeline
        self._cores = cores
        self._busy = 0.0
        self._since = 0.0
        # Seconds of a core that each job has had which was there from the beginning: jobs end in the order of these.
        self._had = 0.0
        self._jobs: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._planned = 0

    def add(self, seconds: float, then: Action, *arguments: Any) -> None:
        """Compute so many seconds of a core, then do something."""
        self._advance()
        heapq.heappush(self._jobs, (self._had + seconds, next(self._numbers), then, arguments))
        self._plan()

    def busy(self) -> float:
        """Return the seconds of a core used so far."""
        self._advance()
        return self._busy

    def _advance(self) -> None:
        now = self._timeline.now
        passed, count = now - self._since, len(self._jobs)
        if count:
            self._had += passed * min(1.0, self._cores / count)
            self._busy += passed * min(count, self._cores)
        self._since = now

    def _plan(self) -> None:
        self._planned += 1
        if self._jobs:
            left = max(0.0, self._jobs[0][0] - self._had) / min(1.0, self._cores / len(self._jobs))
            self._timeline.at(self._timeline.now + left, self._end, self._planned)

    def _end(self, planned: int) -> None:
        if planned != self._planned:
            return
        self._advance()
        _, _, then, arguments = heapq.heappop(self._jobs)
        self._plan()
        then(*arguments)
