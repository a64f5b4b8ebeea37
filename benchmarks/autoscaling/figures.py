"""What is read off an outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cluster import Outcome

WORST_SECONDS = 15
STEP_SECONDS = 5


@dataclass(frozen=True)
class Window:
    """The requests that came in some time: latencies in seconds of those that were answered, and shares of all."""

    p50: float
    p99: float
    refused: float
    late: float
    """Refused, or answered later than the target."""


def window(outcome: Outcome, begin: float, end: float, target: float) -> Window:
    """Return the figures of the requests that came from begin on and before end."""
    came = _latencies(outcome, begin, end)
    answered = came[came >= 0]
    p50, p99 = np.percentile(answered, [50, 99]) if answered.size else (np.inf, np.inf)
    refused = 1 - answered.size / max(1, came.size)
    late = 1 - np.count_nonzero(answered <= target) / max(1, came.size)
    return Window(float(p50), float(p99), refused, float(late))


def worst_p99(outcome: Outcome, begin: float, end: float, target: float) -> float:
    """Return the highest p99 of 15 seconds, in seconds."""
    starts = np.arange(begin, end - WORST_SECONDS + 1, STEP_SECONDS)
    return max(window(outcome, start, start + WORST_SECONDS, target).p99 for start in starts)


def back_after(outcome: Outcome, begin: float, end: float, target: float) -> float | None:
    """Return the seconds from begin until p99 stays within the target and nobody is refused; None: not before end."""
    back = begin
    for start in np.arange(begin, end, STEP_SECONDS):
        seen = window(outcome, start, start + STEP_SECONDS, target)
        if seen.p99 > target or seen.refused > 0:
            back = start + STEP_SECONDS
    return None if back >= end else float(back - begin)


def _latencies(outcome: Outcome, begin: float, end: float) -> NDArray[np.float64]:
    first, last = np.searchsorted(outcome.times, [begin, end])
    return outcome.latencies[first:last]
