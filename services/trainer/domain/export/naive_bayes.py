"""scikit-learn's Gaussian naive Bayes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import GraphWriter, Value
from .links import softmax


def write_naive_bayes(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    """Probabilities [n, classes]: softmax of log prior - 1/2 sum(log(2 pi var) + (x - mean)^2 / var).

    In doubles and without multiplying out the square, which would cancel.
    """
    means = np.asarray(estimator.theta_, dtype=np.float64)[np.newaxis]
    variances = np.asarray(estimator.var_, dtype=np.float64)[np.newaxis]
    rows = writer.node("Unsqueeze", features, np.array([1], dtype=np.int64))
    away = rows - writer.constant(means)
    squares = writer.node("ReduceSum", away * away / writer.constant(variances), np.array([2], np.int64), keepdims=0)
    start = np.log(estimator.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * variances[0]), axis=1)
    return softmax(writer, squares * -0.5 + writer.constant(start.reshape(1, -1)))
