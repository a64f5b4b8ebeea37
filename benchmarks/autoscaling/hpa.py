"""Kubernetes' HorizontalPodAutoscaler (autoscaling/v2), its arithmetic alone.

After https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/, and where that is silent as
pkg/controller/podautoscaler of Kubernetes does: how pods that are not ready yet count, and which way is rounded.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE = 0.1
SYNC_SECONDS = 15.0


@dataclass(frozen=True)
class Rule:
    """At most so many pods, or so many per cent of them, in a period."""

    type: Literal["Pods", "Percent"]
    value: int
    period: float


@dataclass(frozen=True)
class Direction:
    """How fast the number of pods may go one way, and how many seconds of recommendations are looked back on."""

    rules: tuple[Rule, ...]
    window: float
    select: Literal["Max", "Min", "Disabled"] = "Max"


DEFAULT_UP = Direction((Rule("Percent", 100, 15), Rule("Pods", 4, 15)), 0)
DEFAULT_DOWN = Direction((Rule("Percent", 100, 15),), 300)
"""What holds where a HorizontalPodAutoscaler says nothing of behaviour."""


@dataclass(frozen=True)
class Change:
    """So many pods more or less, at a time."""

    time: float
    pods: int


def for_average(total: float, target: float, pods: int, tolerance: float = TOLERANCE) -> int:
    """Return the pods wanted for a total of which each should have the target (an AverageValue)."""
    if abs(1 - total / (target * pods)) <= tolerance:
        return pods
    return math.ceil(total / target)


def for_utilization(used: Sequence[float | None], target: float, pods: int, tolerance: float = TOLERANCE) -> int | None:
    """Return the pods wanted for shares of what they request; None for a pod that is not ready, or was not for all of
    its sample. None is returned where no pod tells anything.
    """
    told = [share for share in used if share is not None]
    if not told:
        return None
    ratio, count = _percent(told, len(told)) / round(100 * target), len(told)
    damped = ratio
    if ratio > 1 and len(told) < len(used):
        # Those that are not ready are taken to use nothing, so that what they will do is not asked for twice.
        damped, count = _percent(told, len(used)) / round(100 * target), len(used)
    if abs(1 - damped) <= tolerance or damped < 1 < ratio:
        return pods
    wanted = math.ceil(damped * count)
    return pods if damped > 1 and wanted < pods else wanted


def _percent(used: Sequence[float], pods: int) -> int:
    """Return the mean in whole per cent, as Kubernetes counts; a little is added, since it counts in whole units."""
    return int(100 * sum(used) / pods + 1e-6)


class Autoscaler:
    """Turns what metrics want into a number of pods, step by step. For use at ever later times."""

    def __init__(self, fewest: int, most: int, up: Direction = DEFAULT_UP, down: Direction = DEFAULT_DOWN) -> None:
        """Stay within fewest and most."""
        self._fewest, self._most = fewest, most
        self._up, self._down = up, down
        self._wanted: deque[tuple[float, int]] = deque()
        self._added: list[Change] = []
        self._removed: list[Change] = []

    def pods(self, now: float, pods: int, wanted: Iterable[int | None]) -> int:
        """Return how many pods there should be, where metrics want so many each; the most of them counts."""
        told = [each for each in wanted if each is not None]
        if not told:
            return pods
        if not self._fewest <= pods <= self._most:
            return min(max(pods, self._fewest), self._most)
        steady = self._stabilized(now, pods, max(told))
        if steady > pods:
            following = min(steady, max(pods, self._highest(now, pods)), self._most)
        else:
            following = max(steady, min(pods, self._lowest(now, pods)), self._fewest)
        if following > pods:
            self._added.append(Change(now, following - pods))
        elif following < pods:
            self._removed.append(Change(now, pods - following))
        return following

    def _stabilized(self, now: float, pods: int, wanted: int) -> int:
        """Go up only to what was wanted all the window long, and down only to the most of it."""
        least, most = wanted, wanted
        for time, each in self._wanted:
            if time > now - self._up.window:
                least = min(least, each)
            if time > now - self._down.window:
                most = max(most, each)
        self._wanted.append((now, wanted))
        while self._wanted[0][0] <= now - max(self._up.window, self._down.window, 1):
            self._wanted.popleft()
        return min(max(pods, least), most)

    def _highest(self, now: float, pods: int) -> int:
        bounds = []
        for rule in self._up.rules:
            before = self._before(now, pods, rule.period)
            bounds.append(before + rule.value if rule.type == "Pods" else math.ceil(before * (1 + rule.value / 100)))
        return pods if self._up.select == "Disabled" else (max if self._up.select == "Max" else min)(bounds)

    def _lowest(self, now: float, pods: int) -> int:
        bounds = []
        for rule in self._down.rules:
            before = self._before(now, pods, rule.period)
            bounds.append(before - rule.value if rule.type == "Pods" else int(before * (1 - rule.value / 100)))
        return pods if self._down.select == "Disabled" else (min if self._down.select == "Max" else max)(bounds)

    def _before(self, now: float, pods: int, period: float) -> int:
        """Return how many pods there were when the period began."""
        added = sum(change.pods for change in self._added if change.time > now - period)
        removed = sum(change.pods for change in self._removed if change.time > now - period)
        return pods - added + removed
