"""An arm's metrics, with an interval where a sound one is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..performance import Task
from . import intervals
from .arm import Arm
from .losses import ERROR_RATE, METRICS
from .tally import Tally

WILSON, STUDENT = "wilson", "student"


@dataclass(frozen=True)
class ArmMetric:
    """A metric's value; lower and upper are NaN, and the interval's name empty, where none is given."""

    metric: str
    value: float
    lower: float = math.nan
    upper: float = math.nan
    interval: str = ""


def arm_metrics(arm: Arm) -> tuple[ArmMetric, ...]:
    """Return the metrics that versions are compared by, then others; none before the first truth."""
    found = []
    for metric, tally in zip(METRICS[arm.task], arm.tallies, strict=True):
        if tally.rows:
            found.append(_rate(metric.name, tally) if metric.is_rate else _mean(metric.name, tally))
    if found and found[0].metric == ERROR_RATE.name:
        rate = found[0]
        found.insert(1, ArmMetric("accuracy", 1 - rate.value, 1 - rate.upper, 1 - rate.lower, rate.interval))
    if arm.task is Task.REGRESSION:
        return tuple(found)
    known = {metric.metric for metric in found}
    rates = _conditional_rates(arm)
    for name, value in arm.performance.metrics().items():
        if name not in known:
            found.append(ArmMetric(name, value, *rates.get(name, ())))
    return tuple(found)


def _rate(name: str, tally: Tally) -> ArmMetric:
    """Return a rate; the rows of a single request say nothing of others."""
    rate, variance = min(tally.mean, 1.0), tally.variance(is_rate=False)
    if math.isinf(variance) and tally.rows > 1:
        return ArmMetric(name, rate)
    rows = intervals.effective_rows(rate, tally.rows, tally.requests, variance)
    return ArmMetric(name, rate, *intervals.wilson(rate, rows), WILSON)


def _mean(name: str, tally: Tally) -> ArmMetric:
    if tally.requests < intervals.LEAST_REQUESTS:
        return ArmMetric(name, tally.mean)
    return ArmMetric(
        name, tally.mean, *intervals.student(tally.mean, tally.variance(is_rate=False), tally.requests), STUDENT
    )


def _conditional_rates(arm: Arm) -> dict[str, tuple[float, float, str]]:
    """Return the intervals of precision and recall, for binary; only where each request has one row."""
    tally = arm.tallies[0]
    if arm.task is not Task.BINARY or tally.requests != tally.rows:
        return {}
    matrix, metrics = arm.performance.matrix(), arm.performance.metrics()
    counts = {"precision": float(matrix[:, -1].sum()), "recall": float(matrix[-2].sum())}
    return {
        name: (*intervals.wilson(metrics[name], count), WILSON)
        for name, count in counts.items()
        if count and name in metrics
    }
