"""Exact SHAP values of trees (path-dependent TreeSHAP), for all trees and several rows at once.

Lundberg et al.: From local explanations to global understanding with explainable AI for trees, Nature Machine
Intelligence 2020, define the values. A leaf of value v whose path asks of the features 1..D gives feature i

    v * (o_i - z_i) * sum over subsets of the others = v * (o_i - z_i) * integral over t in 0..1 of
    product over j != i of (z_j * (1 - t) + o_j * t)

where o_j is 1 if the row passes the path's splits on j, else 0, and z_j is the share of training rows that passes: the
weights of Shapley's formula are Beta integrals, |S|! (D - 1 - |S|)! / D! = integral of t^|S| (1 - t)^(D - 1 - |S|). The
integrand is a polynomial of degree D - 1, which ceil(D / 2) points of Gauss and Legendre integrate exactly, and all of
its factors are positive, so nothing cancels. As in Linear TreeSHAP (Yu et al., NeurIPS 2022) products are carried down
and sums up the tree, so that the cost is that of its edges, not of its paths times their lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .trees import Edges, Floats, Trees, edges_of

# Numbers (edges times points) that are worked on at once: few enough for a processor's cache, many enough that NumPy's
# overhead a call doesn't count.
_AT_ONCE = 300_000
_ROWS_AT_ONCE = 64
# Bytes of tables that are kept from call to call; larger models make them anew where that pays for the rows of a call.
_KEPT_BYTES = 32 * 1024 * 1024
_ROWS_FOR_TABLES = 6
# Points that a path of usual length takes.
_USUAL_POINTS = 4


class TreeShap:
    """Contributions of columns to sums of trees. Safe to call from many threads."""

    def __init__(self, trees: Trees, columns: int) -> None:
        """Prepare the trees; `columns` is how many columns the user's rows have."""
        self._outputs, self._columns = len(trees.base), columns
        parts = [_Part(edges_of(trees, start, stop), trees.column_of, columns) for start, stop in _cut(trees)]
        self._parts = [part for part in parts if part.count]
        keep = sum(part.table_bytes for part in self._parts) <= _KEPT_BYTES
        self._tables = [part.tables() for part in self._parts] if keep else None
        self._base = _stumps(trees) + sum(part.expected(len(trees.base)) for part in self._parts)

    @property
    def base_values(self) -> Floats:
        """What the trees add up to before any column is known, float64 [outputs]."""
        return self._base

    def contributions(self, features: Floats) -> Floats:
        """What each column adds to each output beyond base_values: float64 [n, outputs, columns] of features [n, k]."""
        # Below every threshold, as the model sees it, and yet above the open end of every edge. (The features may be
        # float32, in which such a number is less than any.) NaN stays.
        features = np.maximum(features, np.finfo(features.dtype).min)
        total = np.zeros((len(features), self._outputs * self._columns))
        for number, part in enumerate(self._parts):
            kept = self._tables[number] if self._tables is not None else None
            tables = kept or (part.tables() if len(features) >= _ROWS_FOR_TABLES else None)
            step = min(_ROWS_AT_ONCE, max(1, _AT_ONCE // part.numbers))
            for start in range(0, len(features), step):
                part.add(features[start : start + step], tables, total[start : start + step])
        return total.reshape(len(features), self._outputs, self._columns)


def _cut(trees: Trees) -> list[tuple[int, int]]:
    """Ranges of trees to work on at once."""
    sizes = np.diff(np.append(trees.roots, len(trees.feature))) * _USUAL_POINTS * trees.leaf_values.shape[1]
    cuts, total = [0], 0
    for number, size in enumerate(sizes.tolist()):
        total += size
        if total > _AT_ONCE and number > cuts[-1]:
            cuts.append(number)
            total = size
    return list(zip(cuts, [*cuts[1:], len(sizes)], strict=True))


def _stumps(trees: Trees) -> Floats:
    """base plus the values of trees that are one leaf, float64 [outputs]."""
    values = np.array(trees.base, dtype=np.float64)
    leaf_row = np.cumsum(trees.feature < 0) - 1
    alone = trees.feature[trees.roots] < 0
    for offset, column in enumerate(trees.leaf_values.T):
        np.add.at(values, trees.outputs[alone] + offset, column[leaf_row[trees.roots[alone]]])
    return values


@dataclass(frozen=True)
class _Tables:
    """For each edge in each of its states (see _Part.tables): what the product over the path's features is multiplied
    with on the way down, and what the sum below is weighted with; float64 [3 * E, points].
    """

    step: Floats
    gain: Floats


class _Part:
    """Some trees, worked on at once."""

    def __init__(self, edges: Edges, column_of: NDArray[np.int32], columns: int) -> None:
        points, weights = np.polynomial.legendre.leggauss(max(1, (edges.depth + 1) // 2))
        self._points, self._weights = (points + 1.0) / 2.0, weights / 2.0
        self._edges, self._columns = edges, columns
        self._width = int(edges.leaf_values.shape[1])
        self.count = len(edges.feature) - 1
        self._earlier = edges.earlier[:-1]
        self._rows = 3 * np.arange(self.count)[:, np.newaxis]
        self._group = edges.output[:-1] * columns + column_of[edges.feature[:-1]]

    @property
    def numbers(self) -> int:
        """Numbers that one row takes."""
        return self.count * len(self._points) * self._width

    @property
    def table_bytes(self) -> int:
        """Size of the tables."""
        return 2 * 3 * 8 * self.count * len(self._points)

    def tables(self) -> _Tables:
        """By states: 0 the row passes neither the edge's splits nor those of the earlier edge, 1 only the earlier ones,
        2 both. (The edge's include the earlier ones.)
        """
        passes, passed = np.array([[[0.0], [0.0], [1.0]]]), np.array([[[0.0], [1.0], [1.0]]])
        step, gain = self._factors(passes, passed)
        return _Tables(step.reshape(-1, len(self._points)), gain.reshape(-1, len(self._points)))

    def _factors(self, passes: Floats, passed: Floats) -> tuple[Floats, Floats]:
        """Step and gain [E, r, points] where rows pass (1) or not (0) the splits of edges and those of their earlier
        edges, [E, r, 1] each. An earlier edge's factor is replaced, and so is its gain.
        """
        share = self._edges.share[:-1, np.newaxis, np.newaxis]
        above = self._edges.share[self._earlier, np.newaxis, np.newaxis]
        left, at = 1.0 - self._points, self._points
        factor, replaced = share * left + passes * at, above * left + passed * at
        gain = (passes - share) / factor
        gain -= (passed - above) / replaced
        gain *= self._weights
        factor /= replaced
        if self._width == 1:
            factor[self._edges.leaves] *= self._edges.leaf_values[:, :, np.newaxis]
        return factor, gain

    def expected(self, outputs: int) -> Floats:
        """The trees' mean over their training weight, float64 [outputs]."""
        edges = self._edges
        reach = edges.share[:-1] / edges.share[self._earlier]
        self._multiply_down(reach.reshape(-1, 1, 1))
        values = np.zeros(outputs)
        for offset, column in enumerate(edges.leaf_values.T):
            np.add.at(values, edges.output[edges.leaves] + offset, reach[edges.leaves] * column)
        return values

    def add(self, features: Floats, tables: _Tables | None, total: Floats) -> None:
        """Add the contributions to rows of features [r, k] to total [r, outputs * columns]."""
        passes = self._passes(features)
        passed = np.take(passes, self._earlier, axis=0)
        if tables is None:
            reach, gain = self._factors(_numbers(passes[:-1]), _numbers(passed))
        else:
            index = self._rows + (passes[:-1] + passed)
            reach, gain = np.take(tables.step, index, axis=0), np.take(tables.gain, index, axis=0)
        self._multiply_down(reach)
        gained = np.einsum("erq,werq->wre", gain, self._sum_up(reach))
        for offset, of_rows in enumerate(gained):
            group = self._group + offset * self._columns
            for row, of_edges in enumerate(of_rows):
                total[row] += np.bincount(group, of_edges, total.shape[1])

    def _passes(self, features: Floats) -> NDArray[np.int8]:
        """Whether (1) or not (0) each row passes each edge's splits, [E + 1, r]."""
        edges = self._edges
        values = np.take(features.T, edges.feature, axis=0)
        passes = (edges.low[:, np.newaxis] < values) & (values <= edges.high[:, np.newaxis])
        if np.isnan(features).any():
            passes |= np.isnan(values) & edges.missing[:, np.newaxis]
        passes[-1] = True
        return passes.view(np.int8)

    def _multiply_down(self, reach: Floats) -> None:
        """Turn each edge's factor [E, r, points] into the product over its path, in place."""
        for level in self._edges.levels[1:]:
            reach[level.start : level.stop] *= np.take(reach, level.parent, axis=0)

    def _sum_up(self, reach: Floats) -> Floats:
        """Sums of leaves' values times products below each edge, [width, E, r, points]."""
        edges = self._edges
        if self._width == 1:
            sums = reach[np.newaxis]  # the tables hold the leaves' values
        else:
            sums = np.empty((self._width, *reach.shape))
            sums[:, edges.leaves] = reach[edges.leaves] * edges.leaf_values.T[:, :, np.newaxis, np.newaxis]
        for level in reversed(edges.levels[:-1]):
            below = np.take(sums, level.yes, axis=1)
            np.add(below, np.take(sums, level.no, axis=1), out=sums[:, level.start : level.leaves])
        return sums


def _numbers(flags: NDArray[np.int8]) -> Floats:
    return flags[:, :, np.newaxis].astype(np.float64)
