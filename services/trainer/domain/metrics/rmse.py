"""Root mean squared error."""

from __future__ import annotations

import numpy as np

from .metric import REGRESSION, Array, Metric


def _rmse(truth: Array, prediction: Array) -> float:
    return float(np.sqrt(np.mean((truth - prediction) ** 2)))


RMSE = Metric("rmse", frozenset({REGRESSION}), False, _rmse)
