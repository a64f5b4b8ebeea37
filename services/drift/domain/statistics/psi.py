"""The population stability index."""

from __future__ import annotations

import numpy as np

from ..comparison import Comparison, Kind
from ..reference import Counts, Floats
from .score import Score, Statistic
from .shares import shares
from .survival import chi_squared_survival

# Stands for the share of an empty cell, as common tools have it, so that one stray row is not an infinite score.
EPSILON = 1e-4


def psi_terms(reference: Counts, window: Counts) -> Floats:
    """Return each cell's part of the index: (q - p) ln(q / p), p and q the shares in reference and window."""
    p = np.maximum(shares(reference), EPSILON)
    q = np.maximum(shares(window), EPSILON)
    return np.asarray((q - p) * np.log(q / p), dtype=np.float64)


def psi(reference: Counts, window: Counts) -> float:
    """Return the index, 0 for equal shares: the sum of `psi_terms`.

    Below 0.1 is commonly read as stable, above 0.25 as a significant shift (Siddiqi 2006, "Credit Risk Scorecards").
    """
    if not reference.sum() or not window.sum():
        return 0.0
    return float(psi_terms(reference, window).sum())


def psi_noise(reference: Counts, window: Counts) -> tuple[float, int]:
    """Return 1/n + 1/m and the degrees of freedom k - 1 of the index between two samples of one population.

    There PSI / (1/n + 1/m) follows a chi-squared distribution with k - 1 degrees, so sampling alone makes an index of
    (k - 1)(1/n + 1/m) on average (Yurdakul 2018, "Statistical properties of population stability index").
    """
    n, m = int(window.sum()), int(reference.sum())
    if not n or not m:
        return 0.0, 0
    cells = int(np.count_nonzero(reference + window))
    return 1 / n + 1 / m, max(cells - 1, 0)


def psi_p_value(reference: Counts, window: Counts) -> float:
    """Return how likely sampling alone makes an index as large."""
    scale, degrees = psi_noise(reference, window)
    return chi_squared_survival(psi(reference, window) / scale, degrees) if scale else 1.0


def _score(comparison: Comparison) -> Score:
    cells = comparison.reference, comparison.window
    return Score("psi", psi(*cells), psi_p_value(*cells))


PSI = Statistic("psi", frozenset({Kind.NUMBER, Kind.CATEGORY}), _score)
