"""What an experiment shows: each arm's metrics, and each challenger's difference from the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce

from . import sequential
from .arm import Arm
from .losses import METRICS, Metric
from .split import Split, Target
from .tally import Tally

# Arms by number of the split, version and whether they are shadows.
Arms = Mapping[tuple[int, str, bool], Arm]


class Verdict(Enum):
    """What the truths say of a challenger and the champion."""

    CHALLENGER_BETTER = "challenger better"
    CHAMPION_BETTER = "champion better"
    UNDECIDED = "undecided"
    TOO_FEW_TRUTHS = "too few truths"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Difference:
    """A challenger's metric less the champion's; the interval holds whenever one looks, infinite for too few truths."""

    metric: Metric
    value: float
    variance: float
    weight: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """A challenger against the champion; requests are those with a truth, the champion's and the challenger's."""

    target: Target
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    requests: tuple[int, int] = (0, 0)
    truths_needed: int | None = None


@dataclass(frozen=True, eq=False)
class ArmResult:
    """A target of the newest split, with what it did in all splits of the experiment; None before its first answer."""

    target: Target
    champion: bool
    arm: Arm | None


@dataclass(frozen=True, eq=False)
class Experiment:
    """Arms in the order champion, challengers, shadows, and the comparisons of all but the champion."""

    splits: tuple[Split, ...]
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]


def compare(splits: Sequence[Split], arms: Arms) -> Experiment:
    """Return what the arms show of an experiment, given its splits, oldest first.

    Several challengers share the chance of a false alarm (Bonferroni).
    """
    targets = sorted(splits[-1].targets, key=lambda target: target.shadow)
    champion, *others = targets
    alpha = sequential.ALPHA / max(len(others), 1)
    return Experiment(
        tuple(splits),
        tuple(ArmResult(target, target is champion, _whole(splits, arms, target)) for target in targets),
        tuple(_compared(splits, arms, champion, other, alpha) for other in others),
    )


def _whole(splits: Sequence[Split], arms: Arms, target: Target) -> Arm | None:
    found = [arms.get((split.number, target.model_version, target.shadow)) for split in splits]
    return reduce(Arm.merge, [arm for arm in found if arm is not None]) if any(found) else None


def _compared(splits: Sequence[Split], arms: Arms, champion: Target, other: Target, alpha: float) -> Comparison:
    pairs = []
    for split in splits:
        one = arms.get((split.number, champion.model_version, champion.shadow))
        another = arms.get((split.number, other.model_version, other.shadow))
        if one is not None and another is not None:
            pairs.append((one, another))
    tasks = {arm.task for pair in pairs for arm in pair}
    if len(tasks) > 1:
        return Comparison(other, Verdict.NOT_COMPARABLE)
    if not tasks:
        return Comparison(other, Verdict.TOO_FEW_TRUTHS)
    metrics = METRICS[tasks.pop()]
    tallies = [[(one.tallies[n], another.tallies[n]) for one, another in pairs] for n in range(len(metrics))]
    found = [_difference(metric, each, alpha, other.shadow) for metric, each in zip(metrics, tallies, strict=True)]
    differences = tuple(difference for difference in found if difference is not None)
    requests = _requests(tallies[0])
    if not differences or math.isinf(differences[0].upper):
        return Comparison(other, Verdict.TOO_FEW_TRUTHS, differences, requests)
    decisive = differences[0]
    if decisive.upper < 0:
        return Comparison(other, Verdict.CHALLENGER_BETTER, differences, requests)
    if decisive.lower > 0:
        return Comparison(other, Verdict.CHAMPION_BETTER, differences, requests)
    needed = _truths_needed(decisive, tallies[0], alpha, other.shadow)
    return Comparison(other, Verdict.UNDECIDED, differences, requests, needed)


def _difference(
    metric: Metric, tallies: Sequence[tuple[Tally, Tally]], alpha: float, shadow: bool
) -> Difference | None:
    """Return the difference within each split, weighed by how much the split tells; None where nothing does."""
    score = spread = weight = 0.0
    for one, another in tallies:
        if min(one.requests, another.requests) < 2:
            continue
        each = one.rows * another.rows / (one.rows + another.rows)
        score += each * (another.mean - one.mean)
        spread += each**2 * _variance(metric, one, another, shadow)
        weight += each
    if not weight:
        return None
    value, variance = score / weight, spread / weight**2
    if min(_requests(tallies)) < sequential.LEAST_REQUESTS:
        return Difference(metric, value, variance, weight, -math.inf, math.inf, 1.0)
    half = float(sequential.radius(variance, weight, alpha))
    p_value = float(sequential.p_value(value, variance, weight))
    return Difference(metric, value, variance, weight, value - half, value + half, p_value)


def _variance(metric: Metric, one: Tally, another: Tally, shadow: bool) -> float:
    """Return the variance of the difference; a shadow answers the same requests as the champion."""
    ours = float(one.rows), one.variance(is_rate=metric.is_rate)
    theirs = float(another.rows), another.variance(is_rate=metric.is_rate)
    return float(sequential.variance_of_difference(*ours, *theirs, opposed=shadow))


def _requests(tallies: Sequence[tuple[Tally, Tally]]) -> tuple[int, int]:
    """Return how many requests the comparison stands on, in either arm."""
    used = [pair for pair in tallies if min(pair[0].requests, pair[1].requests) >= 2]
    return sum(one.requests for one, _ in used), sum(another.requests for _, another in used)


def _truths_needed(
    difference: Difference, tallies: Sequence[tuple[Tally, Tally]], alpha: float, shadow: bool
) -> int | None:
    """Return how many more truths would decide, if the difference stayed; None for one that may well be chance.

    One truth serves both arms where one of them is a shadow.
    """
    if difference.value**2 <= difference.variance:
        return None
    needed = sequential.weight_needed(difference.value, difference.variance, difference.weight, alpha)
    rows = sum(another.rows if shadow else one.rows + another.rows for one, another in tallies)
    return math.ceil(rows * (needed / difference.weight - 1)) if math.isfinite(needed) else None
