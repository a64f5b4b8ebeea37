"""Share of rows whose most probable class is the true one."""

from __future__ import annotations

from .metric import CLASSIFICATION, Array, Metric


def _accuracy(truth: Array, prediction: Array) -> float:
    return float((prediction.argmax(axis=1) == truth).mean())


ACCURACY = Metric("accuracy", CLASSIFICATION, True, _accuracy)
