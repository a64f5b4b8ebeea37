"""scikit-learn's linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import GraphWriter, Value
from .links import logistic, softmax


def write_linear_classifier(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    """Probabilities [n, classes] of a LogisticRegression (multinomial for more than two classes)."""
    raw = _scores(writer, estimator, features)
    return logistic(writer, raw) if len(estimator.classes_) == 2 else softmax(writer, raw)


def write_linear_regressor(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    """Values [n, 1] of Ridge, ElasticNet, Lasso or LinearRegression."""
    return _scores(writer, estimator, features)


def _scores(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64)).T
    offset = np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64)).reshape(1, -1)
    return writer.node("MatMul", features, weights) + writer.constant(offset)
