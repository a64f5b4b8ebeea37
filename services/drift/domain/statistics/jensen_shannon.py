"""The Jensen-Shannon distance."""

from __future__ import annotations

import numpy as np

from ..comparison import Comparison, Kind
from ..reference import Counts, Floats
from .score import Score, Statistic
from .shares import shares


def jensen_shannon(reference: Counts, window: Counts) -> float:
    """Return the distance, from 0 for equal shares to 1 for no common cell.

    sqrt(KL(p | a) / 2 + KL(q | a) / 2) with a = (p + q) / 2 and logarithms to base 2
    (Lin 1991; Endres and Schindelin 2003 show that the root is a metric).
    """
    if not reference.sum() or not window.sum():
        return 0.0
    p, q = shares(reference), shares(window)
    middle = (p + q) / 2
    return float(np.sqrt(max((_divergence(p, middle) + _divergence(q, middle)) / 2, 0.0)))


def _divergence(p: Floats, q: Floats) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


def _score(comparison: Comparison) -> Score:
    if comparison.kind is Kind.NUMBER:
        return Score("jensen_shannon", jensen_shannon(comparison.reference, comparison.window))
    return Score("jensen_shannon", jensen_shannon(comparison.fine_reference, comparison.fine_window))


JENSEN_SHANNON = Statistic("jensen_shannon", frozenset({Kind.NUMBER, Kind.CATEGORY}), _score)
