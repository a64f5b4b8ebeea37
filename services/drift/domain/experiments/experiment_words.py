"""An experiment's verdicts as sentences for people."""

from __future__ import annotations

import math

from . import sequential
from .experiment import Comparison, Difference, Experiment, Verdict


def summary(experiment: Experiment) -> str:
    """Return one sentence on the whole experiment."""
    if not experiment.comparisons:
        return f"{short(experiment.arms[0].target.model_version)} answers alone: there is nothing to compare"
    return "; ".join(message(experiment, comparison) for comparison in experiment.comparisons)


def message(experiment: Experiment, comparison: Comparison) -> str:
    """Return one sentence on a challenger."""
    champion, challenger = short(experiment.arms[0].target.model_version), short(comparison.target.model_version)
    if comparison.target.shadow:
        challenger += " (shadow)"
    if comparison.verdict is Verdict.NOT_COMPARABLE:
        return f"{challenger} and {champion} predict different things: they can't be compared"
    if comparison.verdict is Verdict.TOO_FEW_TRUTHS:
        ours, theirs = comparison.requests
        return (
            f"too few truths to compare {challenger} with {champion}: {theirs:,} and {ours:,} requests have one, "
            f"and each needs {sequential.LEAST_REQUESTS:,}"
        )
    difference = comparison.differences[0]
    if comparison.verdict is Verdict.CHALLENGER_BETTER:
        return f"{challenger} is better than {champion}: its {_difference(difference)}"
    if comparison.verdict is Verdict.CHAMPION_BETTER:
        return f"{champion} is better than {challenger}, whose {_difference(difference)}"
    return f"undecided between {challenger} and {champion}: {_undecided(difference)}{_needed(comparison.truths_needed)}"


def short(model_version: str) -> str:
    """Return "income/2" for "projects/p/models/income/versions/2"; another name as it is."""
    parts = model_version.split("/")
    return f"{parts[3]}/{parts[5]}" if len(parts) == 6 else model_version


def _difference(difference: Difference) -> str:
    low, high = sorted((abs(difference.lower), abs(difference.upper)))
    where = "lower" if difference.value < 0 else "higher"
    size, low_text, high_text = (_size(difference, value) for value in (abs(difference.value), low, high))
    return f"{difference.metric.words} is {size} {where} (by {low_text} to {high_text})"


def _undecided(difference: Difference) -> str:
    low, high = _size(difference, -difference.lower), _size(difference, difference.upper)
    return f"its {difference.metric.words} is between {low} lower and {high} higher"


def _needed(truths: int | None) -> str:
    if truths is None:
        return ""
    return f"; about {rounded(truths):,} more truths decide it, at this rate and if the difference stays as it is"


def rounded(count: int) -> int:
    """Return a count to two digits, upwards: more would claim what an estimate does not know."""
    if count < 10:
        return count
    step = int(10 ** (math.floor(math.log10(count)) - 1))
    return -(-count // step) * step


def _size(difference: Difference, value: float) -> str:
    return f"{value * 100:.2g} points" if difference.metric.is_rate else f"{value:.3g}"
