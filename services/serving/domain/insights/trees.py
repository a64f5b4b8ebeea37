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
_NONE = np.zeros(0, dtype=np.int64)


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
    """Edges of one depth: numbers start to stop, those that lead to a split (start to leaves) before those to a leaf.

    yes and no: the edges of the level below that such splits lead to. parent: the edge above each of this level's
    edges; the first level's have none.
    """

    start: int
    leaves: int
    stop: int
    parent: Ints
    yes: Ints
    no: Ints


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
        # Where the descent stands: splits, their edges, the outputs of their trees, the last edges by feature, and of
        # how many features the path has asked.
        numbers = numbers[trees.feature[trees.roots[numbers]] >= 0]
        self._splits = trees.roots[numbers].astype(np.int64)
        self._edges = np.full(len(numbers), count)
        self._outputs = trees.outputs[numbers].astype(np.int64)
        self._last = np.full((len(numbers), len(trees.column_of)), count, dtype=np.int32)
        self._asked = np.zeros(len(numbers), dtype=np.int64)
        self._depth = 0
        self._leaf_nodes: list[Ints] = [_NONE]

    def edges(self) -> Edges:
        """All edges."""
        start = 0
        while len(self._splits):
            start = self._go_down(start)
        leaf_row = np.cumsum(self._trees.feature < 0) - 1
        leaf_edges = [np.arange(level.leaves, level.stop) for level in self._levels]
        return Edges(
            feature=self._feature,
            low=self._low,
            high=self._high,
            missing=self._missing,
            share=self._share,
            earlier=self._earlier,
            output=self._output,
            levels=tuple(self._levels),
            leaves=np.concatenate([_NONE, *leaf_edges]),
            leaf_values=self._trees.leaf_values[leaf_row[np.concatenate(self._leaf_nodes)]],
            depth=self._depth,
        )

    def _go_down(self, start: int) -> int:
        """Add the edges below the present splits, of which the first is number `start`; returns the one after them."""
        trees, count = self._trees, 2 * len(self._splits)
        stop, new = start + count, slice(start, start + count)
        children = np.concatenate([trees.yes[self._splits], trees.no[self._splits]]).astype(np.int64)
        order = np.argsort(trees.feature[children] < 0, kind="stable")
        place = np.empty(count, dtype=np.int64)
        place[order] = np.arange(start, stop)
        children, is_yes, above = children[order], order < count // 2, order % (count // 2)
        splits, last = self._splits[above], self._last[above]
        feature, threshold = trees.feature[splits], trees.threshold[splits]
        earlier = last[np.arange(count), feature]
        self._feature[new], self._earlier[new], self._output[new] = feature, earlier, self._outputs[above]
        self._low[new] = np.where(is_yes, self._low[earlier], np.maximum(self._low[earlier], threshold))
        self._high[new] = np.where(is_yes, np.minimum(self._high[earlier], threshold), self._high[earlier])
        self._missing[new] = self._missing[earlier] & (trees.missing_yes[splits] == is_yes)
        shares = trees.cover[children] / np.maximum(trees.cover[splits], _LEAST_COVER)
        self._share[new] = self._share[earlier] * np.maximum(shares, _LEAST_SHARE)
        last[np.arange(count), feature] = np.arange(start, stop)
        asked = self._asked[above] + (earlier == self._count)
        if self._levels:
            self._levels[-1] = self._levels[-1]._replace(yes=place[: count // 2], no=place[count // 2 :])
        inner = int((trees.feature[children] >= 0).sum())
        self._levels.append(Level(start, start + inner, stop, self._edges[above], _NONE, _NONE))
        self._leaf_nodes.append(children[inner:])
        self._splits, self._last, self._asked = children[:inner], last[:inner], asked[:inner]
        self._depth = max(self._depth, int(asked.max()))
        self._edges, self._outputs = np.arange(start, start + inner), self._output[start : start + inner]
        return stop
