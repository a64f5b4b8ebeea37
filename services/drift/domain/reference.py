"""What the columns looked like at training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NumberReference:
    """A numeric column at training. Bin i holds edges[i-1] < x <= edges[i]; the first and last are unbounded."""

    name: str
    missing: int
    edges: Floats
    bin_counts: Counts
    bin_means: Floats
    minimum: float
    maximum: float
    mean: float
    stddev: float
    is_prediction: bool = False
    # An instant: it leaves the training range by passing of time, so it is scored but never graded.
    is_instant: bool = False


@dataclass(frozen=True, eq=False)
class CategoryReference:
    """A column of texts or truth values at training: its most frequent values, and how many rows had another one."""

    name: str
    missing: int
    categories: tuple[str, ...]
    counts: Counts
    other: int
    is_prediction: bool = False


ColumnReference = NumberReference | CategoryReference


@dataclass(frozen=True, eq=False)
class Reference:
    """A model version's training data, column by column, the prediction last."""

    columns: tuple[ColumnReference, ...]


def number_reference(
    name: str,
    *,
    missing: int,
    edges: Floats,
    bin_counts: Counts,
    quantiles: Floats,
    minimum: float,
    maximum: float,
    mean: float,
    stddev: float,
    is_prediction: bool = False,
    is_instant: bool = False,
) -> NumberReference:
    """Return the reference of a numeric column; a column of one value gets bins around it, so that leaving it shows.

    `quantiles` are values at evenly spaced probabilities, from which the mean of each bin is taken.
    Raises ValueError when edges do not rise strictly or do not fit the counts.
    """
    if len(bin_counts) != len(edges) + 1:
        raise ValueError(f"column {name!r} has {len(edges)} edges and {len(bin_counts)} bins, not one bin more")
    if np.any(np.diff(edges) <= 0):
        raise ValueError(f"column {name!r} has edges that do not rise")
    total = int(bin_counts.sum())
    if total and minimum == maximum:
        edges = np.array([np.nextafter(minimum, -np.inf), minimum])
        bin_counts = np.array([0, total, 0], dtype=np.int64)
    means = _bin_means(edges, quantiles, minimum, maximum)
    return NumberReference(
        name, missing, edges, bin_counts, means, minimum, maximum, mean, stddev, is_prediction, is_instant
    )


def _bin_means(edges: Floats, quantiles: Floats, minimum: float, maximum: float) -> Floats:
    """Return each bin's mean: of the quantiles that fall into it, or its middle where none does."""
    index = np.searchsorted(edges, quantiles, side="left")
    hits = np.bincount(index, minlength=len(edges) + 1)
    sums = np.bincount(index, weights=quantiles, minlength=len(edges) + 1)
    low = np.concatenate(([minimum], edges))
    high = np.concatenate((edges, [maximum]))
    return np.where(hits > 0, sums / np.maximum(hits, 1), (low + high) / 2)
