"""Counts as shares of their sum."""

from __future__ import annotations

import numpy as np

from ..reference import Counts, Floats


def shares(counts: Counts) -> Floats:
    """Return each cell's share; zeros for no rows at all."""
    total = counts.sum()
    return np.asarray(counts / total if total else np.zeros(len(counts)), dtype=np.float64)
