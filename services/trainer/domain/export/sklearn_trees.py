"""scikit-learn's trees and forests."""

from __future__ import annotations

from typing import Any

import numpy as np

from .trees import Ints, Link, Tree, TreeModel


def read_forest(estimator: Any) -> TreeModel:
    """A decision tree, or the mean of a forest: probabilities (of two classes the second is enough) or values.

    scikit-learn rounds features to float32 and compares them with float64 thresholds.
    """
    members = getattr(estimator, "estimators_", None) or [estimator]
    count = len(estimator.classes_) if hasattr(estimator, "classes_") else 1
    kept = np.array([1]) if count == 2 else np.arange(count)
    trees = tuple(_tree(member.tree_, kept, 1.0 / len(members)) for member in members)
    link: Link = "complement" if count == 2 else "identity"
    return TreeModel(trees, np.zeros(len(kept)), strict=False, single=True, link=link)


def _tree(tree: Any, kept: Ints, share: float) -> Tree:
    values = np.asarray(tree.value, dtype=np.float64)[:, 0, :]
    return Tree(
        feature=np.where(tree.children_left < 0, -1, tree.feature).astype(np.int64),
        threshold=np.asarray(tree.threshold, dtype=np.float64),
        yes=np.asarray(tree.children_left, dtype=np.int64),
        no=np.asarray(tree.children_right, dtype=np.int64),
        missing_yes=np.asarray(tree.missing_go_to_left, dtype=bool),
        weights=values[:, kept] * share,
        targets=np.arange(len(kept)),
        cover=np.asarray(tree.weighted_n_node_samples, dtype=np.float64),
    )
