"""How strongly columns go together: Pearson's r of numbers, Cramér's V of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .model import Association

# Pairs of categories that are looked at, at most; columns with fewer levels come first.
_MAX_PAIRS = 3000
# Fewest rows that a pair must share.
_FEWEST = 10
_BINS = 10


@dataclass(frozen=True)
class SampledColumn:
    """Values of some rows of one column, the same rows in every column."""

    # NaN where missing; None for a column of texts.
    values: NDArray[np.float64] | None
    # 0 where missing, else 1 to levels.
    codes: NDArray[np.int64]
    levels: int
    # Whether the codes are categories, and not bins of numbers.
    category: bool


def codes_of_numbers(values: NDArray[np.float64], distinct: int) -> tuple[NDArray[np.int64], int]:
    """Return codes of numbers for tables of counts: one a value up to 20 values, else ten bins of equal counts."""
    present = ~np.isnan(values)
    codes = np.zeros(values.size, dtype=np.int64)
    if not present.any():
        return codes, 0
    known = values[present]
    if distinct <= 20:
        levels, inverse = np.unique(known, return_inverse=True)
        codes[present] = inverse + 1
        return codes, int(levels.size)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    codes[present] = np.searchsorted(edges, known, "right") + 1
    return codes, int(edges.size) + 1


def associations(columns: Mapping[str, SampledColumn], limit: int = 500) -> tuple[Association, ...]:
    """Return the pairs of columns, the strongest first.

    Numbers pair by Pearson's r over the rows where both are present; a pair with a category by Cramér's V with
    Bergsma's correction (2013), numbers then binned.
    """
    found = [*_pearson(columns), *_cramers(columns)]
    found.sort(key=lambda pair: (-abs(pair.value), pair.left, pair.right))
    return tuple(found[:limit])


def _pearson(columns: Mapping[str, SampledColumn]) -> list[Association]:
    numeric = [(name, column.values) for name, column in columns.items() if column.values is not None]
    if len(numeric) < 2:
        return []
    matrix = np.column_stack([values for _, values in numeric])
    present = ~np.isnan(matrix)
    # Centred and scaled first: sums of squares of large values would lose their differences.
    with np.errstate(all="ignore"):
        mean = np.nanmean(np.where(present.any(axis=0), matrix, 0.0), axis=0)
        scale = np.nanstd(np.where(present.any(axis=0), matrix, 0.0), axis=0)
    filled = np.where(present, (matrix - mean) / np.where(scale > 0, scale, 1.0), 0.0)
    mask = present.astype(np.float64)
    n = mask.T @ mask
    sums = filled.T @ mask
    squares = (filled * filled).T @ mask
    with np.errstate(all="ignore"):
        covariance = filled.T @ filled - sums * sums.T / n
        spread = np.sqrt((squares - sums**2 / n) * (squares.T - sums.T**2 / n))
        r = covariance / spread
    names = [name for name, _ in numeric]
    rows, others = np.triu_indices(len(names), 1)
    return [
        Association(names[i], names[j], "pearson", float(np.clip(r[i, j], -1.0, 1.0)))
        for i, j in zip(rows, others, strict=True)
        if n[i, j] >= _FEWEST and np.isfinite(r[i, j]) and spread[i, j] > 1e-9
    ]


def _cramers(columns: Mapping[str, SampledColumn]) -> list[Association]:
    categories = sorted((n for n, c in columns.items() if c.category), key=lambda name: columns[name].levels)
    seen: set[frozenset[str]] = set()
    found: list[Association] = []
    for left in categories:
        for right in columns:
            pair = frozenset((left, right))
            both_numbers = columns[left].values is not None and columns[right].values is not None
            if left == right or pair in seen or both_numbers or len(seen) >= _MAX_PAIRS:
                continue
            seen.add(pair)
            value = cramers_v(columns[left], columns[right])
            if value is not None:
                found.append(Association(left, right, "cramers_v", value))
    return found


def cramers_v(left: SampledColumn, right: SampledColumn) -> float | None:
    """Return the bias-corrected Cramér's V, 0 to 1, or None where too few rows or levels are shared."""
    wide = right.levels + 1
    counts = np.bincount(left.codes * wide + right.codes, minlength=(left.levels + 1) * wide)
    table = counts.reshape(left.levels + 1, wide)[1:, 1:].astype(np.float64)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n = float(table.sum())
    if n < _FEWEST or min(table.shape) < 2:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(((table - expected) ** 2 / expected).sum()) / n
    r, k = table.shape
    phi2 = max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1))
    smaller = min(k - (k - 1) ** 2 / (n - 1), r - (r - 1) ** 2 / (n - 1)) - 1
    return min(1.0, float(np.sqrt(phi2 / smaller))) if smaller > 0 else None


def strongest(pairs: Sequence[Association], column: str) -> list[tuple[str, float]]:
    """Return the columns that go with one, and how strongly (0 to 1), the strongest first."""
    with_it = [
        (pair.right if pair.left == column else pair.left, abs(pair.value))
        for pair in pairs
        if column in (pair.left, pair.right)
    ]
    return sorted(with_it, key=lambda item: -item[1])
