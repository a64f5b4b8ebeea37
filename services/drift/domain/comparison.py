"""A column of the reference and of a window, laid side by side in the same cells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .reference import CategoryReference, Counts, Floats, NumberReference
from .window import CategorySketch, NumberSketch

# PSI is read in this many groups of about equal share of the reference.
QUANTILE_GROUPS = 10
# Cells that would hold fewer rows of the window are pooled (Cochran's rule for the chi-squared approximation).
EXPECTED_ROWS = 5


class Kind(Enum):
    """What a statistic can be taken of."""

    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Counts of both sides, cell by cell; the last cell is the missing values."""

    kind: Kind
    # About ten quantile groups or the categories with rare ones pooled: for sums over cells, which noise biases.
    reference: Counts
    window: Counts
    # All bins or categories, with the others.
    fine_reference: Counts
    fine_window: Counts
    # For each fine cell, the pooled cell it went into.
    groups: Counts
    bins: Bins | None = None


@dataclass(frozen=True, eq=False)
class Bins:
    """What a distance along the axis needs beside counts; means are of the values within each bin."""

    edges: Floats
    reference_means: Floats
    window_means: Floats
    minimum: float
    maximum: float
    stddev: float


def compare_numbers(reference: NumberReference, window: NumberSketch) -> Comparison:
    """Return the comparison of a numeric column."""
    groups = np.append(quantile_groups(reference.bin_counts), 0)
    groups[-1] = groups[:-1].max() + 1
    counts = window.bin_counts
    means = np.where(counts > 0, window.bin_sums / np.maximum(counts, 1), reference.bin_means)
    bins = Bins(
        reference.edges,
        reference.bin_means,
        means,
        min(reference.minimum, window.minimum),
        max(reference.maximum, window.maximum),
        reference.stddev,
    )
    fine_reference = np.append(reference.bin_counts, reference.missing)
    fine_window = np.append(counts, window.missing)
    return _comparison(Kind.NUMBER, fine_reference, fine_window, groups, bins)


def compare_categories(reference: CategoryReference, window: CategorySketch) -> Comparison:
    """Return the comparison of a column of categories."""
    fine_reference = np.concatenate((reference.counts, [reference.other, reference.missing]))
    fine_window = np.concatenate((window.counts, [window.other, window.missing]))
    groups = rare_groups(fine_reference, int(fine_window.sum()))
    return _comparison(Kind.CATEGORY, fine_reference, fine_window, groups, None)


def quantile_groups(bin_counts: Counts) -> Counts:
    """Return the group of each bin: neighbours merged until the groups hold about a tenth of the rows each."""
    total = max(int(bin_counts.sum()), 1)
    before = np.concatenate(([0], np.cumsum(bin_counts)[:-1]))
    middle = (before + bin_counts / 2) / total
    decile = np.minimum((middle * QUANTILE_GROUPS).astype(np.int64), QUANTILE_GROUPS - 1)
    return np.cumsum(np.diff(decile, prepend=decile[0]) > 0).astype(np.int64)


def rare_groups(counts: Counts, window_rows: int) -> Counts:
    """Return the group of each category: one each, but those expected fewer than five times share the "other" one.

    The last two counts are the others and the missing ones; missing stays on its own.
    """
    expected = counts * (window_rows / max(int(counts.sum()), 1))
    own = expected >= EXPECTED_ROWS
    own[-2:] = False
    groups = np.where(own, np.cumsum(own) - 1, int(own.sum()))
    groups[-1] = int(own.sum()) + 1
    return groups.astype(np.int64)


def _comparison(
    kind: Kind, fine_reference: Counts, fine_window: Counts, groups: Counts, bins: Bins | None
) -> Comparison:
    size = int(groups.max()) + 1
    return Comparison(
        kind,
        _pooled(fine_reference, groups, size),
        _pooled(fine_window, groups, size),
        fine_reference,
        fine_window,
        groups,
        bins,
    )


def _pooled(counts: Counts, groups: Counts, size: int) -> Counts:
    return np.bincount(groups, weights=counts, minlength=size).astype(np.int64)
