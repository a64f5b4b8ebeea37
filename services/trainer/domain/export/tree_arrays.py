"""Trees of one or more models laid out as a few flat arrays, for a server that has no tree library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .trees import Floats, Tree, TreeModel


def flatten(models: Sequence[tuple[TreeModel, int, float]]) -> dict[str, NDArray[Any]]:
    """All trees of (model, its first feature, its weight), whose weighted sum, plus `base`, is the prediction.

    Of m nodes: `feature` int32 (-1 for a leaf), `threshold` float64 (`yes` is followed where the feature is <= it),
    `yes` and `no` int32 node numbers, `missing_yes` bool, `cover` float64. Of leaves, in the order of their nodes:
    `leaf_values` float64 [leaves, width]. Of trees: `roots` int32 and `outputs` int32, the first of the `width` outputs
    that its leaves add to. `base` float64 [outputs].
    """
    trees = [(tree, model, first, share) for model, first, share in models for tree in model.trees]
    sizes = np.array([len(tree.feature) for tree, *_ in trees], dtype=np.int64)
    roots = np.cumsum(sizes) - sizes
    return {
        "feature": _joined([np.where(t.feature < 0, -1, t.feature + first) for t, _, first, _ in trees], np.int32),
        "threshold": _joined([_thresholds(tree, model) for tree, model, *_ in trees], np.float64),
        "yes": _joined([tree.yes + root for (tree, *_), root in zip(trees, roots, strict=True)], np.int32),
        "no": _joined([tree.no + root for (tree, *_), root in zip(trees, roots, strict=True)], np.int32),
        "missing_yes": _joined([tree.missing_yes for tree, *_ in trees], np.bool_),
        "cover": _joined([tree.cover for tree, *_ in trees], np.float64),
        "leaf_values": np.concatenate([tree.weights[tree.feature < 0] * share for tree, _, _, share in trees]),
        "roots": roots.astype(np.int32),
        "outputs": np.array([tree.targets[0] for tree, *_ in trees], dtype=np.int32),
        "base": np.asarray(np.sum([model.base * share for model, _, share in models], axis=0), dtype=np.float64),
    }


def _joined(parts: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts).astype(kind)


def _thresholds(tree: Tree, model: TreeModel) -> Floats:
    """Thresholds to compare by <=: below a float32 threshold are the float32 numbers up to the one before it."""
    if not model.strict:
        return tree.threshold
    return np.nextafter(tree.threshold.astype(np.float32), np.float32(-np.inf)).astype(np.float64)
