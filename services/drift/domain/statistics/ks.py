"""The two-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

import math

import numpy as np

from ..comparison import Comparison, Kind
from ..reference import Counts
from .score import Score, Statistic
from .shares import shares
from .survival import kolmogorov_survival


def ks(reference: Counts, window: Counts) -> tuple[float, float]:
    """Return the largest distance of the two distribution functions at the bins' edges, and its p-value.

    D = max |F_window - F_reference| over the edges, at most the distance over all points, from which it differs by
    less than the largest bin's share; so the p-value is on the safe side. It is Kolmogorov's limit at
    D sqrt(n m / (n + m)) (Smirnov 1948). Counts are of bins in order, without missing values.
    """
    n, m = int(window.sum()), int(reference.sum())
    if not n or not m:
        return 0.0, 1.0
    distance = float(np.abs(np.cumsum(shares(window)) - np.cumsum(shares(reference))).max())
    return distance, kolmogorov_survival(distance * math.sqrt(n * m / (n + m)))


def _score(comparison: Comparison) -> Score:
    return Score("ks", *ks(comparison.fine_reference[:-1], comparison.fine_window[:-1]))


KS = Statistic("ks", frozenset({Kind.NUMBER}), _score)
