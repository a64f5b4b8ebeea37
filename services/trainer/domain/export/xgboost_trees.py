"""XGBoost boosters, read from their JSON form."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .errors import ExportError
from .trees import Link, Tree, TreeModel

_IDENTITY = {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"}


def read_xgboost(estimator: Any) -> TreeModel:
    """The trees of an XGBClassifier or XGBRegressor, up to its best round.

    XGBoost rounds features to float32; missing values take each split's default direction.
    """
    booster = estimator.get_booster()
    learner = json.loads(booster.save_raw("json"))["learner"]
    if learner["gradient_booster"]["name"] != "gbtree":
        raise ExportError(f"XGBoost's booster '{learner['gradient_booster']['name']}' has no ONNX form here")
    model = learner["gradient_booster"]["model"]
    outputs = max(1, int(learner["learner_model_param"]["num_class"]))
    kept = _rounds(estimator) * outputs * int(model["gbtree_model_param"]["num_parallel_tree"])
    pairs = list(zip(model["trees"], model["tree_info"], strict=True))[: kept or None]
    trees = tuple(_tree(tree, int(output)) for tree, output in pairs)
    link = _link(learner["objective"]["name"])
    base = _base_scores(learner["learner_model_param"]["base_score"], outputs)
    if link == "logistic":
        base = np.log(base / (1.0 - base))
    return TreeModel(trees, base, strict=True, single=True, link=link)


def _link(objective: str) -> Link:
    if objective in ("binary:logistic", "reg:logistic"):
        return "logistic"
    if objective == "multi:softprob":
        return "softmax"
    if objective in _IDENTITY:
        return "identity"
    raise ExportError(f"XGBoost's objective '{objective}' has no ONNX form here")


def _rounds(estimator: Any) -> int:
    """Boosting rounds that predictions use; 0 means all."""
    try:
        return int(estimator.best_iteration) + 1
    except AttributeError:
        return 0


def _base_scores(text: str, outputs: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Base scores [outputs]; written `5E-1`, or `[5E-1,2E-1]` since XGBoost 3.1."""
    scores = np.array([float(part) for part in text.strip("[]").split(",")], dtype=np.float64)
    return np.broadcast_to(scores, (outputs,)).copy()


def _tree(tree: dict[str, Any], output: int) -> Tree:
    if any(tree["split_type"]):
        raise ExportError("XGBoost's categorical splits have no ONNX form here")
    left = np.array(tree["left_children"], dtype=np.int64)
    # Leaves keep their value where inner nodes keep the threshold; both are float32.
    numbers = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    return Tree(
        feature=np.where(left < 0, -1, np.array(tree["split_indices"], dtype=np.int64)),
        threshold=numbers,
        yes=left,
        no=np.array(tree["right_children"], dtype=np.int64),
        missing_yes=np.array(tree["default_left"], dtype=bool),
        weights=numbers.reshape(-1, 1),
        targets=np.array([output]),
        cover=np.array(tree["sum_hessian"], dtype=np.float64),
    )
