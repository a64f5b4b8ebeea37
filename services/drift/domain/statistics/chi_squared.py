"""Pearson's chi-squared test of homogeneity."""

from __future__ import annotations

import numpy as np

from ..comparison import Comparison, Kind
from ..reference import Counts
from .score import Score, Statistic
from .survival import chi_squared_survival


def chi_squared(reference: Counts, window: Counts) -> tuple[float, float]:
    """Return the statistic of the 2 x k table and its p-value with k - 1 degrees of freedom.

    The sum over both rows of (observed - expected)^2 / expected, with expected = row total * column total / total
    (Pearson 1900). Cells should be pooled beforehand so that few are expected below five; empty ones are left out.
    """
    table = np.stack((reference, window)).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    rows = table.sum(axis=1, keepdims=True)
    if table.shape[1] < 2 or not rows.all():
        return 0.0, 1.0
    expected = rows * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, chi_squared_survival(statistic, table.shape[1] - 1)


def _score(comparison: Comparison) -> Score:
    return Score("chi_squared", *chi_squared(comparison.reference, comparison.window))


CHI_SQUARED = Statistic("chi_squared", frozenset({Kind.CATEGORY}), _score)
