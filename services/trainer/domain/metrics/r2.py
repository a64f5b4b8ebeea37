"""Coefficient of determination."""

from __future__ import annotations

from .metric import REGRESSION, Array, Metric


def _r2(truth: Array, prediction: Array) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    error = float(((truth - prediction) ** 2).sum())
    if spread == 0.0:
        return 1.0 if error == 0.0 else 0.0
    return 1.0 - error / spread


# For a constant truth: 1 when it is met exactly, else 0, as scikit-learn does.
R2 = Metric("r2", frozenset({REGRESSION}), True, _r2)
