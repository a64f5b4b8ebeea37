"""Estimators whose scores add up over features: linear models and Gaussian naive Bayes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .trees import Floats

Arrays = Mapping[str, NDArray[Any]]

LINEAR = ("LogisticRegression", "LinearRegression", "Ridge", "Lasso", "ElasticNet")
NAIVE_BAYES = "GaussianNB"


def read_additive(estimator: Any, features: Floats) -> tuple[Arrays, str] | None:
    """What explains an additive estimator, and the link that makes predictions of its scores; None of another.

    The arrays: `linear` and `quadratic` float64 [outputs, k], `constant` [outputs], and over the given training
    features [n, k] `mean` and `mean_square`. Of two classes there is one score, the second's log-odds.
    """
    name = type(estimator).__name__
    if name in LINEAR:
        linear = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
        quadratic = np.zeros_like(linear)
        constant = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), (len(linear),)).copy()
    elif name == NAIVE_BAYES:
        linear, quadratic, constant = _naive_bayes(estimator)
    else:
        return None
    is_classifier = hasattr(estimator, "classes_")
    if is_classifier and len(linear) == 2:
        linear, quadratic, constant = (np.diff(array, axis=0) for array in (linear, quadratic, constant))
    arrays = {
        "linear": linear,
        "quadratic": quadratic,
        "constant": constant,
        "mean": features.mean(axis=0),
        "mean_square": (features * features).mean(axis=0),
    }
    if not is_classifier:
        return arrays, "identity"
    return arrays, "logistic" if len(linear) == 1 else "softmax"


def _naive_bayes(estimator: Any) -> tuple[Floats, Floats, Floats]:
    """log prior - 1/2 sum(log(2 pi var) + (x - mean)^2 / var), multiplied out."""
    means = np.asarray(estimator.theta_, dtype=np.float64)
    variances = np.asarray(estimator.var_, dtype=np.float64)
    constant = np.log(estimator.class_prior_) - 0.5 * (np.log(2.0 * np.pi * variances) + means**2 / variances).sum(1)
    return means / variances, -0.5 / variances, np.asarray(constant, dtype=np.float64)
