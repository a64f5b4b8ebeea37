"""Which estimators can be written as ONNX nodes: listed in WRITERS by class name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ExportError
from .graph import GraphWriter, Value
from .lightgbm_trees import write_lightgbm
from .linear import write_linear_classifier, write_linear_regressor
from .naive_bayes import write_naive_bayes
from .sklearn_trees import write_forest
from .xgboost_trees import write_xgboost

Writer = Callable[[GraphWriter, Any, Value], Value]

# By name, so that a library is not imported to export a model of another.
WRITERS: tuple[tuple[str, Writer], ...] = (
    ("LogisticRegression", write_linear_classifier),
    ("LinearRegression", write_linear_regressor),
    ("Ridge", write_linear_regressor),
    ("Lasso", write_linear_regressor),
    ("ElasticNet", write_linear_regressor),
    ("GaussianNB", write_naive_bayes),
    ("DecisionTreeClassifier", write_forest),
    ("DecisionTreeRegressor", write_forest),
    ("RandomForestClassifier", write_forest),
    ("RandomForestRegressor", write_forest),
    ("ExtraTreesClassifier", write_forest),
    ("ExtraTreesRegressor", write_forest),
    ("LGBMClassifier", write_lightgbm),
    ("LGBMRegressor", write_lightgbm),
    ("XGBClassifier", write_xgboost),
    ("XGBRegressor", write_xgboost),
)


def write_estimator(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    """Probabilities [n, the estimator's classes] or values [n, 1]; raises ExportError where there is no writer."""
    name = type(estimator).__name__
    for known, write in WRITERS:
        if known == name:
            return write(writer, estimator, features)
    raise ExportError(f"{name} has no ONNX form here; the native runtime serves it")
