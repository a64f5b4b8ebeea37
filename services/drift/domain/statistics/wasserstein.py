"""The Wasserstein distance."""

from __future__ import annotations

import numpy as np

from ..comparison import Bins, Comparison, Kind
from ..reference import Counts, Floats
from .score import Score, Statistic
from .shares import shares


def wasserstein(reference: Counts, window: Counts, bins: Bins) -> float:
    """Return how far the window's mass has to be carried to make the reference, in standard deviations of that.

    W1 = integral |F_window - F_reference| (Vallender 1974). Over one bin (a, b] the integral of a distribution
    function is F(a)(b - a) + share * (b - mean of the bin), which counts and means give without a row; its absolute
    difference is the bin's part, exact unless the two functions cross inside the bin.
    Counts are of bins in order, without missing values; 0 for a side without values.
    """
    if not reference.sum() or not window.sum():
        return 0.0
    low = np.concatenate(([bins.minimum], bins.edges))
    high = np.concatenate((bins.edges, [bins.maximum]))
    low[0], high[-1] = min(low[0], high[0]), max(low[-1], high[-1])
    ours = _areas(shares(window), bins.window_means, low, high)
    theirs = _areas(shares(reference), bins.reference_means, low, high)
    distance = float(np.abs(ours - theirs).sum())
    # A constant column has no spread to measure in; the distance then stands in the column's own unit.
    return distance / bins.stddev if bins.stddev > 0 else distance


def _areas(share: Floats, means: Floats, low: Floats, high: Floats) -> Floats:
    before = np.cumsum(share) - share
    return np.asarray(before * (high - low) + share * (high - np.clip(means, low, high)), dtype=np.float64)


def _score(comparison: Comparison) -> Score:
    if comparison.bins is None:
        raise ValueError("the Wasserstein distance needs bins along an axis")
    cells = comparison.fine_reference[:-1], comparison.fine_window[:-1]
    return Score("wasserstein", wasserstein(*cells, comparison.bins))


WASSERSTEIN = Statistic("wasserstein", frozenset({Kind.NUMBER}), _score)
