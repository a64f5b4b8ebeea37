"""The libraries' quickest calls, for a model that is served natively.

LightGBM's scikit-learn class checks and wraps for over ten times as long as its booster takes for one row, and a
forest of scikit-learn hands each tree to a thread pool. These calls answer the same; others go through the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Quick = Callable[[Any, Floats], Floats]

# Above it threads and scikit-learn's way pay.
_FEW_ROWS = 64


def predict(estimator: Any, features: Floats) -> Floats:
    """Probabilities [n, the estimator's classes], or values [n], of features [n, k]."""
    quick = _QUICK.get(type(estimator).__name__)
    if quick is not None and len(features) <= _FEW_ROWS:
        return quick(estimator, features)
    call = estimator.predict_proba if hasattr(estimator, "classes_") else estimator.predict
    return np.asarray(call(features), dtype=np.float64)


def _booster(estimator: Any, features: Floats) -> Floats:
    found = np.asarray(estimator.booster_.predict(features, num_threads=1), dtype=np.float64)
    if hasattr(estimator, "classes_") and found.ndim == 1:
        return np.column_stack([1.0 - found, found])
    return found


def _forest(estimator: Any, features: Floats) -> Floats:
    single = features.astype(np.float32)
    total = sum(member.tree_.predict(single) for member in estimator.estimators_)
    mean = np.asarray(total, dtype=np.float64) / len(estimator.estimators_)
    return mean if hasattr(estimator, "classes_") else mean.reshape(len(features))


_QUICK: Mapping[str, Quick] = {
    "LGBMClassifier": _booster,
    "LGBMRegressor": _booster,
    "RandomForestClassifier": _forest,
    "RandomForestRegressor": _forest,
    "ExtraTreesClassifier": _forest,
    "ExtraTreesRegressor": _forest,
}
