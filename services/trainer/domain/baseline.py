"""The naive baseline every model must beat: the training rows' class shares, or their mean."""

from __future__ import annotations

import numpy as np

from .metrics import REGRESSION, Array


def baseline_predictions(train_target: Array, rows: int, task_type: str, classes: int) -> Array:
    """What the baseline predicts: class shares [rows, classes] (so the majority class), or the mean [rows]."""
    if task_type == REGRESSION:
        return np.full(rows, float(train_target.mean()))
    shares = np.bincount(train_target.astype(int), minlength=classes) / len(train_target)
    return np.tile(shares, (rows, 1))
