"""The verdict on a closed window.

A column has drifted when two things hold. Its PSI, less what sampling alone makes of it on average, reaches the
policy's threshold: the shift is large enough to matter. And its p-value passes the Benjamini-Hochberg procedure over
all columns: the shift is not a chance of a small window or of many columns. The first keeps large windows from
alerting on trifles, the second small windows from alerting on noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .comparison import Comparison, compare_categories, compare_numbers
from .policy import Policy
from .reference import CategoryReference, ColumnReference, NumberReference, Reference
from .severity import Severity
from .statistics import STATISTICS, Score
from .statistics.chi_squared import chi_squared
from .statistics.psi import psi_noise, psi_p_value
from .summary import summarize
from .window import CategorySketch, NumberSketch, Sketch, Window

# The share of windows without drift in which chance may grade some column.
FALSE_DISCOVERY_RATE = 0.001


@dataclass(frozen=True)
class ColumnVerdict:
    """One column's scores and grade; `excess` is its PSI less sampling noise."""

    column: str
    scores: tuple[Score, ...]
    severity: Severity
    is_prediction: bool
    summary: str
    excess: float


@dataclass(frozen=True)
class Verdict:
    """A window's grade, the worst of its columns; these in the reference's order."""

    severity: Severity
    columns: tuple[ColumnVerdict, ...]

    def drifted(self) -> tuple[ColumnVerdict, ...]:
        """Return the columns that are graded above OK, worst first."""
        graded = [column for column in self.columns if column.severity > Severity.OK]
        return tuple(sorted(graded, key=lambda column: (-column.severity, -column.excess)))


def judge(reference: Reference, window: Window, policy: Policy) -> Verdict:
    """Return the verdict on a window that was sketched in this reference."""
    pairs = list(zip(reference.columns, window.sketches, strict=True))
    comparisons = [compare(column, sketch) for column, sketch in pairs]
    scores = [_scores(comparison) for comparison in comparisons]
    p_values = [chance(comparison) for comparison in comparisons]
    watched = [not (isinstance(column, NumberReference) and column.is_instant) for column in reference.columns]
    significant = discoveries([p if w else 1.0 for p, w in zip(p_values, watched, strict=True)])
    columns = tuple(
        _column(pair, comparison, each, found, policy)
        for pair, comparison, each, found in zip(pairs, comparisons, scores, significant, strict=True)
    )
    return Verdict(max((column.severity for column in columns), default=Severity.OK), columns)


def compare(column: ColumnReference, sketch: Sketch) -> Comparison:
    """Return both sides of a column in the same cells; raises ValueError for a sketch of another kind."""
    if isinstance(column, NumberReference) and isinstance(sketch, NumberSketch):
        return compare_numbers(column, sketch)
    if isinstance(column, CategoryReference) and isinstance(sketch, CategorySketch):
        return compare_categories(column, sketch)
    raise ValueError(f"column {column.name!r} was sketched in another reference")


def chance(comparison: Comparison) -> float:
    """Return how likely sampling alone makes such a difference: the larger p-value of the index and of Pearson's test.

    Both are limits for full cells. In sparse ones each exaggerates on one side: the index where the window leaves a
    cell empty, Pearson's where the reference does. So both have to speak.
    """
    cells = comparison.reference, comparison.window
    return max(psi_p_value(*cells), chi_squared(*cells)[1])


def discoveries(p_values: Sequence[float], rate: float = FALSE_DISCOVERY_RATE) -> list[bool]:
    """Return which p-values are discoveries at this false discovery rate (Benjamini and Hochberg 1995).

    The largest k with p_(k) <= k rate / count, and all p-values up to that one.
    """
    count = len(p_values)
    limit = max((p for rank, p in enumerate(sorted(p_values), 1) if p <= rank * rate / count), default=-1.0)
    return [p <= limit for p in p_values]


def _scores(comparison: Comparison) -> tuple[Score, ...]:
    return tuple(statistic.score(comparison) for statistic in STATISTICS if comparison.kind in statistic.kinds)


def _psi(scores: Sequence[Score]) -> Score:
    return next(score for score in scores if score.statistic == "psi")


def _column(
    pair: tuple[ColumnReference, Sketch],
    comparison: Comparison,
    scores: tuple[Score, ...],
    significant: bool,
    policy: Policy,
) -> ColumnVerdict:
    column, sketch = pair
    scale, degrees = psi_noise(comparison.reference, comparison.window)
    excess = _psi(scores).value - scale * degrees
    severity = Severity.OK
    if significant and excess >= policy.critical_threshold:
        severity = Severity.CRITICAL
    elif significant and excess >= policy.warning_threshold:
        severity = Severity.WARNING
    summary = summarize(column, sketch, comparison)
    return ColumnVerdict(column.name, scores, severity, column.is_prediction, summary, excess)
