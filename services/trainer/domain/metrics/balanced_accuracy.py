"""Mean recall over the classes."""

from __future__ import annotations

import numpy as np

from .metric import CLASSIFICATION, Array, Metric


def _balanced_accuracy(truth: Array, prediction: Array) -> float:
    label = prediction.argmax(axis=1)
    return float(np.mean([(label[truth == index] == index).mean() for index in np.unique(truth)]))


BALANCED_ACCURACY = Metric("balanced_accuracy", CLASSIFICATION, True, _balanced_accuracy)
