"""Mean absolute error."""

from __future__ import annotations

import numpy as np

from .metric import REGRESSION, Array, Metric


def _mae(truth: Array, prediction: Array) -> float:
    return float(np.abs(truth - prediction).mean())


MAE = Metric("mae", frozenset({REGRESSION}), False, _mae)
