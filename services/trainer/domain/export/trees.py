"""Tree ensembles as one TreeEnsembleRegressor node with double thresholds.

ONNX Runtime compares double inputs with double thresholds and sums leaf weights as doubles, so no split flips; only the
sum is rounded to float32 (relative 6e-8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from .graph import ML, GraphWriter, Value
from .links import LINKS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Link = Literal["identity", "logistic", "softmax", "exponential", "complement"]


@dataclass(frozen=True)
class Tree:
    """One tree of m nodes, node 0 its root. `yes[i]` is followed where the feature is <= (or <) the threshold.

    Leaves have feature -1 and add `weights[i]` [targets] to the outputs `targets`. `missing_yes`: a missing value goes
    where `yes` leads. `cover[i]` is how much training weight reached the node.
    """

    feature: Ints
    threshold: Floats
    yes: Ints
    no: Ints
    missing_yes: NDArray[np.bool_]
    weights: Floats
    targets: Ints
    cover: Floats


@dataclass(frozen=True)
class TreeModel:
    """What a fitted estimator of trees computes: link(base + the sums over all trees).

    `base` [outputs]. `strict` compares with < instead of <=. `single`: features are rounded to float32 first, as the
    library does. `link` is how sums become predictions (see links.LINKS).
    """

    trees: tuple[Tree, ...]
    base: Floats
    strict: bool
    single: bool
    link: Link


def write_tree_model(writer: GraphWriter, model: TreeModel, features: Value) -> Value:
    """Probabilities [n, classes] or values [n, 1]."""
    read = writer.single(features) if model.single else features
    sums = write_trees(writer, read, model.trees, len(model.base), strict=model.strict)
    if np.any(model.base != 0.0):
        sums = sums + writer.constant(model.base.reshape(1, -1))
    return LINKS[model.link](writer, sums)


def write_trees(writer: GraphWriter, features: Value, trees: Sequence[Tree], outputs: int, *, strict: bool) -> Value:
    """Sums over all trees, double [n, outputs]; `strict` compares with < instead of <=."""
    sizes = [len(tree.feature) for tree in trees]
    feature = np.concatenate([tree.feature for tree in trees])
    leaf = feature < 0
    threshold = np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees]))
    branch = "BRANCH_LT" if strict else "BRANCH_LEQ"
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    leaves = [np.flatnonzero(tree.feature < 0) for tree in trees]
    weights = [tree.weights[rows] for tree, rows in zip(trees, leaves, strict=True)]
    votes = list(zip(trees, leaves, strict=True))
    sums = writer.node(
        "TreeEnsembleRegressor",
        features,
        domain=ML,
        n_targets=outputs,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_featureids=np.where(leaf, 0, feature).tolist(),
        nodes_modes=["LEAF" if is_leaf else branch for is_leaf in leaf.tolist()],
        nodes_values_as_tensor=numpy_helper.from_array(threshold, "thresholds"),
        nodes_truenodeids=np.where(leaf, 0, np.concatenate([tree.yes for tree in trees])).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, np.concatenate([tree.no for tree in trees])).tolist(),
        nodes_missing_value_tracks_true=np.concatenate([tree.missing_yes for tree in trees]).astype(int).tolist(),
        target_treeids=np.concatenate(
            [np.full(len(rows) * len(tree.targets), i) for i, (tree, rows) in enumerate(votes)]
        ).tolist(),
        target_nodeids=np.concatenate([np.repeat(rows, len(tree.targets)) for tree, rows in votes]).tolist(),
        target_ids=np.concatenate([np.tile(tree.targets, len(rows)) for tree, rows in votes]).tolist(),
        target_weights_as_tensor=numpy_helper.from_array(np.concatenate([w.ravel() for w in weights]), "weights"),
    )
    return writer.double(sums)
