"""LightGBM boosters, read from their text form."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ExportError
from .trees import Floats, Ints, Link, Tree, TreeModel

_IDENTITY = {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}
_EXPONENTIAL = {"poisson", "gamma", "tweedie"}


def read_lightgbm(estimator: Any) -> TreeModel:
    """The trees of an LGBMClassifier or LGBMRegressor, up to its best round."""
    booster = estimator.booster_
    best = booster.best_iteration
    header, *blocks = booster.model_to_string(num_iteration=best if best and best > 0 else None).split("\nTree=")
    fields = _fields(header)
    outputs = int(fields["num_tree_per_iteration"])
    link, slope = _link(fields["objective"])
    trees = [_tree(_fields(block.split("\n\n")[0]), index % outputs, slope) for index, block in enumerate(blocks)]
    return TreeModel(tuple(trees), np.zeros(outputs), strict=False, single=False, link=link)


def _link(objective: str) -> tuple[Link, float]:
    """The link, and what the sums are multiplied with before it."""
    name, *options = objective.split()
    if name == "binary":
        return "logistic", float(next((o.split(":")[1] for o in options if o.startswith("sigmoid:")), "1"))
    if name == "multiclass":
        return "softmax", 1.0
    if name in _IDENTITY and "sqrt" not in options:
        return "identity", 1.0
    if name in _EXPONENTIAL:
        return "exponential", 1.0
    raise ExportError(f"LightGBM's objective '{objective}' has no ONNX form here")


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _tree(fields: dict[str, str], target: int, slope: float) -> Tree:
    """Inner nodes first, then leaves: child c >= 0 is an inner node, c < 0 is leaf ~c."""
    leaf_values = np.array(fields["leaf_value"].split(), dtype=np.float64)
    leaves, inner = len(leaf_values), int(fields["num_leaves"]) - 1
    if fields.get("is_linear", "0") != "0":
        raise ExportError("LightGBM's linear leaves have no ONNX form here")
    if int(fields.get("num_cat", "0")) > 0:
        raise ExportError("LightGBM's categorical splits have no ONNX form here")
    if inner == 0:
        leaf_values, leaves = leaf_values[:1], 1
    decision = _integers(fields, "decision_type", inner)
    threshold = np.array(fields.get("threshold", "").split()[:inner], dtype=np.float64)
    missing_type, default_left = (decision >> 2) & 3, (decision & 2) > 0
    if np.any(missing_type == 1):
        raise ExportError("LightGBM's zero_as_missing has no ONNX form here")
    # Where training saw no missing value (type 0) LightGBM takes a missing one for 0.
    missing_yes = np.where(missing_type == 2, default_left, threshold >= 0.0)
    return Tree(
        feature=np.concatenate([_integers(fields, "split_feature", inner), np.full(leaves, -1)]),
        threshold=np.concatenate([threshold, np.zeros(leaves)]),
        yes=_children(_integers(fields, "left_child", inner), inner, leaves),
        no=_children(_integers(fields, "right_child", inner), inner, leaves),
        missing_yes=np.concatenate([missing_yes, np.zeros(leaves)]).astype(bool),
        weights=_weights(leaf_values * slope, inner),
        targets=np.array([target]),
        cover=_cover(fields, inner, leaves),
    )


def _integers(fields: dict[str, str], name: str, count: int) -> Ints:
    return np.array(fields.get(name, "").split()[:count], dtype=np.int64)


def _children(children: Ints, inner: int, leaves: int) -> Ints:
    return np.concatenate([np.where(children >= 0, children, inner + ~children), np.zeros(leaves, dtype=np.int64)])


def _weights(leaf_values: Floats, inner: int) -> Floats:
    return np.concatenate([np.zeros(inner), leaf_values]).reshape(-1, 1)


def _cover(fields: dict[str, str], inner: int, leaves: int) -> Floats:
    """Training rows a node; a tree that is one leaf names none."""
    if inner == 0:
        return np.ones(leaves)
    return np.concatenate([_integers(fields, "internal_count", inner), _integers(fields, "leaf_count", leaves)]) * 1.0
