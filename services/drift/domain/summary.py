"""What changed most in a column, in a few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from .comparison import Comparison
from .reference import CategoryReference, ColumnReference, NumberReference
from .statistics.psi import psi_terms
from .statistics.shares import shares
from .window import CategorySketch, NumberSketch, Sketch

# A mean that moved by less is not what changed.
MEAN_SHIFT = 0.1


def summarize(column: ColumnReference, sketch: Sketch, comparison: Comparison) -> str:
    """Return such as "mean 38.6 -> 51.2", "'Private' 70% -> 12%", "missing 0% -> 31%"."""
    before, after = shares(comparison.fine_reference), shares(comparison.fine_window)
    terms = psi_terms(comparison.fine_reference, comparison.fine_window)
    pooled = psi_terms(comparison.reference, comparison.window)
    missing_is_most = len(pooled) > 0 and int(np.argmax(pooled)) == len(pooled) - 1 and pooled[-1] > 0
    if missing_is_most and not np.isclose(before[-1], after[-1]):
        return _change("missing", before[-1], after[-1])
    if isinstance(column, NumberReference) and isinstance(sketch, NumberSketch):
        return _numbers(column, sketch, before, after)
    if isinstance(column, CategoryReference) and isinstance(sketch, CategorySketch):
        return _categories(column, sketch, int(np.argmax(terms[:-1])), before, after)
    raise ValueError(f"column {column.name!r} was sketched in another reference")


def _numbers(column: NumberReference, sketch: NumberSketch, before: np.ndarray, after: np.ndarray) -> str:
    if not sketch.count:
        return _change("missing", before[-1], after[-1])
    if column.is_instant:
        return f"mean {_instant(column.mean)} -> {_instant(sketch.mean)}"
    spread = max(column.stddev, sketch.stddev)
    if abs(sketch.mean - column.mean) > MEAN_SHIFT * spread or not spread:
        return f"mean {column.mean:.4g} -> {sketch.mean:.4g}"
    if column.stddev and abs(sketch.stddev / column.stddev - 1) > MEAN_SHIFT:
        return f"stddev {column.stddev:.4g} -> {sketch.stddev:.4g}"
    most = int(np.argmax(np.abs(after[:-1] - before[:-1])))
    low = f"{column.edges[most - 1]:.4g} < " if most else ""
    high = f" <= {column.edges[most]:.4g}" if most < len(column.edges) else ""
    return _change(f"{low}x{high}", before[most], after[most])


def _categories(
    column: CategoryReference, sketch: CategorySketch, most: int, before: np.ndarray, after: np.ndarray
) -> str:
    if most < len(column.categories):
        return _change(f"'{column.categories[most]}'", before[most], after[most])
    if sketch.other_names and not column.other:
        name, rows = max(sketch.other_names.items(), key=lambda item: item[1])
        total = after[most] / sketch.other * rows if sketch.other else 0.0
        return _change(f"unseen '{name}'", 0.0, total)
    return _change("other values", before[most], after[most])


def _change(what: str, before: float, after: float) -> str:
    return f"{what} {_percent(before)} -> {_percent(after)}"


def _percent(share: float) -> str:
    percent = share * 100
    return f"{percent:.0f}%" if percent >= 10 or percent in (0, 100) else f"{percent:.1f}%"


def _instant(seconds: float) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M")
    except OverflowError:
        return f"{seconds:.4g} s"
