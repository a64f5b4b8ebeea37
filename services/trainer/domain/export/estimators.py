"""Which estimators can be written as ONNX nodes: listed in WRITERS and TREE_READERS by class name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ExportError
from .graph import GraphWriter, Value
from .lightgbm_trees import read_lightgbm
from .linear import write_linear_classifier, write_linear_regressor
from .naive_bayes import write_naive_bayes
from .sklearn_trees import read_forest
from .trees import TreeModel, write_tree_model
from .xgboost_trees import read_xgboost

Writer = Callable[[GraphWriter, Any, Value], Value]
Reader = Callable[[Any], TreeModel]

# By name, so that a library is not imported to export a model of another.
WRITERS: tuple[tuple[str, Writer], ...] = (
    ("LogisticRegression", write_linear_classifier),
    ("LinearRegression", write_linear_regressor),
    ("Ridge", write_linear_regressor),
    ("Lasso", write_linear_regressor),
    ("ElasticNet", write_linear_regressor),
    ("GaussianNB", write_naive_bayes),
)
TREE_READERS: tuple[tuple[str, Reader], ...] = (
    ("DecisionTreeClassifier", read_forest),
    ("DecisionTreeRegressor", read_forest),
    ("RandomForestClassifier", read_forest),
    ("RandomForestRegressor", read_forest),
    ("ExtraTreesClassifier", read_forest),
    ("ExtraTreesRegressor", read_forest),
    ("LGBMClassifier", read_lightgbm),
    ("LGBMRegressor", read_lightgbm),
    ("XGBClassifier", read_xgboost),
    ("XGBRegressor", read_xgboost),
)


def read_trees(estimator: Any) -> TreeModel | None:
    """The trees of an estimator that consists of them; None of another. Raises ExportError where they can't be read."""
    name = type(estimator).__name__
    return next((read(estimator) for known, read in TREE_READERS if known == name), None)


def write_estimator(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    """Probabilities [n, the estimator's classes] or values [n, 1]; raises ExportError where there is no writer."""
    trees = read_trees(estimator)
    if trees is not None:
        return write_tree_model(writer, trees, features)
    name = type(estimator).__name__
    for known, write in WRITERS:
        if known == name:
            return write(writer, estimator, features)
    raise ExportError(f"{name} has no ONNX form here; the native runtime serves it")
