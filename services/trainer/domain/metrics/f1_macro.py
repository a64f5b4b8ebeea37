"""Unweighted mean of the classes' F1 scores."""

from __future__ import annotations

import numpy as np

from .metric import CLASSIFICATION, Array, Metric


def _f1_macro(truth: Array, prediction: Array) -> float:
    label = prediction.argmax(axis=1)
    scores = []
    for index in np.union1d(truth, label):
        hits = float(((truth == index) & (label == index)).sum())
        scores.append(2.0 * hits / float((truth == index).sum() + (label == index).sum()))
    return float(np.mean(scores))


# Over the classes that occur in truth or prediction; a class that is never predicted counts 0.
F1_MACRO = Metric("f1_macro", CLASSIFICATION, True, _f1_macro)
