"""scikit-learn's trees and forests."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import GraphWriter, Value
from .trees import Tree, write_trees


def write_forest(writer: GraphWriter, estimator: Any, features: Value) -> Value:
    """Probabilities [n, classes] or values [n, 1] of a decision tree or of the mean of a forest.

    scikit-learn rounds features to float32 and compares them with float64 thresholds; so does the graph.
    """
    members = getattr(estimator, "estimators_", None) or [estimator]
    is_classifier = hasattr(estimator, "classes_")
    count = len(estimator.classes_) if is_classifier else 1
    # Of two classes the second is enough.
    kept = np.arange(count)[-1:] if count == 2 else np.arange(count)
    trees = [_tree(member.tree_, kept, 1.0 / len(members)) for member in members]
    if count != 2:
        return write_trees(writer, writer.single(features), trees, count, strict=False)
    positive = write_trees(writer, writer.single(features), [_renumbered(tree) for tree in trees], 1, strict=False)
    return writer.concat([writer.node("Sub", 1.0, positive), positive])


def _tree(tree: Any, kept: np.ndarray[Any, np.dtype[np.int64]], share: float) -> Tree:
    values = np.asarray(tree.value, dtype=np.float64)[:, 0, :]
    return Tree(
        feature=np.where(tree.children_left < 0, -1, tree.feature).astype(np.int64),
        threshold=np.asarray(tree.threshold, dtype=np.float64),
        yes=np.asarray(tree.children_left, dtype=np.int64),
        no=np.asarray(tree.children_right, dtype=np.int64),
        missing_yes=np.asarray(tree.missing_go_to_left, dtype=bool),
        weights=values[:, kept] * share,
        targets=kept,
    )


def _renumbered(tree: Tree) -> Tree:
    """The tree with its single target as output 0."""
    return Tree(tree.feature, tree.threshold, tree.yes, tree.no, tree.missing_yes, tree.weights, np.zeros(1, np.int64))
