"""Trees of a model as flat arrays, and their edges in the order that explaining walks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

# Training weight is never quite 0 on a path that training built; where rounding made it so, a branch keeps this share.
_LEAST_SHARE = 1e-12
_LEAST_COVER = 1e-300


@dataclass(frozen=True)
class Trees:
    """The trees of a model, as the trainer lays them out in explain.npz.

    Of m nodes: feature (-1 for a leaf), threshold (`yes` is followed where the feature is <= it), yes and no (node
    numbers), missing_yes (whether a missing value follows `yes`), cover (training weight that reached the node).
    leaf_values float64 [leaves, width], in the order of the leaves' nodes. Of trees: roots (node numbers) and outputs,
    the first of the `width` outputs that the leaves add to. base float64 [outputs] is added to all sums.
    column_of: the user's column behind each feature.
    """

    feature: NDArray[np.int32]
    threshold: Floats
    yes: NDArray[np.int32]
    no: NDArray[np.int32]
    missing_yes: Truths
    cover: Floats
    leaf_values: Floats
    roots: NDArray[np.int32]
    outputs: NDArray[np.int32]
    base: Floats
    column_of: NDArray[np.int32]


class Level(NamedTuple):
    """Edges of one depth: numbers start to stop, in pairs (yes, no). inner: the edges of the level above, counted from
    that level's start, that the pairs hang from; the first level's pairs hang from roots.
    """

    start: int
    stop: int
    inner: Ints


@dataclass(frozen=True)
class Edges:
    """The E edges of some trees, level by level. An edge stands for the child it leads to.

    All splits that the path down to the child makes on the edge's feature, taken together: they let pass
    low < value <= high, and a missing value where `missing`; of the training weight they let pass `share`. earlier: the
    edge above on the path that splits the same feature, E where there is none. output: the first output that the
    edge's tree adds to. leaves: the edges that lead to leaves, with leaf_values [leaves, width]. depth: the most
    features on one path. These arrays have one more entry, E, that lets everything pass.
    """

    feature: Ints
    low: Floats
    high: Floats
    missing: Truths
    share: Floats
    earlier: Ints
    output: Ints
    levels: tuple[Level, ...]
    leaves: Ints
    leaf_values: Floats
    depth: int


def edges_of(trees: Trees, start: int, stop: int) -> Edges:
    """The edges of trees number start to stop."""
    roots = np.append(trees.roots, len(trees.feature))
    return _Descent(trees, np.arange(start, stop), int(roots[stop] - roots[start]) - (stop - start)).edges()


class _Descent:
    """Goes down trees that have `count` edges, a level at a time in all of them."""

    def __init__(self, trees: Trees, numbers: Ints, count: int) -> None:
        self._trees = trees
        self._count = count
        self._feature = np.zeros(count + 1, dtype=np.int64)
        self._low, self._high = np.full(count + 1, -np.inf), np.full(count + 1, np.inf)
        self._missing, self._share = np.ones(count + 1, dtype=bool), np.ones(count + 1)
        self._earlier, self._output = np.full(count + 1, count), np.zeros(count + 1, dtype=np.int64)
        self._levels: list[Level] = []
        # Where the descent stands: nodes, the outputs of their trees, and the last edge by feature on the way there.
        self._nodes = trees.roots[numbers].astype(np.int64)
        self._outputs = trees.outputs[numbers].astype(np.int64)
        self._last = np.full((len(numbers), len(trees.column_of)), count, dtype=np.int32)
        self._depth = 0
        self._leaf_edges: list[Ints] = [np.zeros(0, dtype=np.int64)]
        self._leaf_nodes: list[Ints] = [np.zeros(0, dtype=np.int64)]

    def edges(self) -> Edges:
        """All edges."""
        start = 0
        while start < self._count:
            start = self._go_down(start)
        leaf_row = np.cumsum(self._trees.feature < 0) - 1
        return Edges(
            feature=self._feature,
            low=self._low,
            high=self._high,
            missing=self._missing,
            share=self._share,
            earlier=self._earlier,
            output=self._output,
            levels=tuple(self._levels),
            leaves=np.concatenate(self._leaf_edges),
            leaf_values=self._trees.leaf_values[leaf_row[np.concatenate(self._leaf_nodes)]],
            depth=self._depth,
        )

    def _go_down(self, start: int) -> int:
        """Add the edges below the present nodes, of which the first is number `start`; returns the one after them."""
        trees = self._trees
        inner = np.flatnonzero(trees.feature[self._nodes] >= 0)
        parents = np.repeat(self._nodes[inner], 2)
        stop = start + len(parents)
        new = slice(start, stop)
        is_yes = np.arange(len(parents)) % 2 == 0
        children = np.where(is_yes, trees.yes[parents], trees.no[parents]).astype(np.int64)
        feature, threshold = trees.feature[parents], trees.threshold[parents]
        last = np.repeat(self._last[inner], 2, axis=0)
        earlier = last[np.arange(len(parents)), feature]
        self._feature[new], self._earlier[new] = feature, earlier
        self._low[new] = np.where(is_yes, self._low[earlier], np.maximum(self._low[earlier], threshold))
        self._high[new] = np.where(is_yes, np.minimum(self._high[earlier], threshold), self._high[earlier])
        self._missing[new] = self._missing[earlier] & (trees.missing_yes[parents] == is_yes)
        shares = trees.cover[children] / np.maximum(trees.cover[parents], _LEAST_COVER)
        self._share[new] = self._share[earlier] * np.maximum(shares, _LEAST_SHARE)
        self._output[new] = np.repeat(self._outputs[inner], 2)
        last[np.arange(len(parents)), feature] = np.arange(start, stop)
        leaves = np.flatnonzero(trees.feature[children] < 0)
        self._leaf_edges.append(start + leaves)
        self._leaf_nodes.append(children[leaves])
        self._depth = max(self._depth, int((last < self._count).sum(axis=1).max()))
        self._levels.append(Level(start, stop, inner))
        self._nodes, self._last, self._outputs = children, last, self._output[new]
        return stop
