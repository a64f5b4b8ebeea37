"""Mergeable sketches of a window: counts in the reference's bins, a few numbers a bin however many rows there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .reference import CategoryReference, ColumnReference, Counts, Floats, NumberReference, Reference

# Names of values the reference does not list, kept so that an alert can tell them.
OTHER_NAMES_KEPT = 20


@dataclass(frozen=True, eq=False)
class NumberSketch:
    """What one pass over a numeric column left; `squares` is the sum of squared deviations from the mean."""

    missing: int
    bin_counts: Counts
    bin_sums: Floats
    minimum: float
    maximum: float
    mean: float
    squares: float

    @property
    def count(self) -> int:
        """Return the number of values that were not missing."""
        return int(self.bin_counts.sum())

    @property
    def stddev(self) -> float:
        """Return the population standard deviation; 0 for no values."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0

    def merge(self, other: NumberSketch) -> NumberSketch:
        """Return the sketch of both parts together.

        Moments are combined after Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm".
        """
        n, m = self.count, other.count
        if not n or not m:
            full = self if n else other
            moments = (full.minimum, full.maximum, full.mean, full.squares)
        else:
            delta = other.mean - self.mean
            moments = (
                min(self.minimum, other.minimum),
                max(self.maximum, other.maximum),
                self.mean + delta * m / (n + m),
                self.squares + other.squares + delta * delta * n * m / (n + m),
            )
        return NumberSketch(
            self.missing + other.missing, self.bin_counts + other.bin_counts, self.bin_sums + other.bin_sums, *moments
        )


@dataclass(frozen=True, eq=False)
class CategorySketch:
    """Counts of the reference's categories, of everything else, and some of the other values' names."""

    missing: int
    counts: Counts
    other: int
    other_names: Mapping[str, int]

    def merge(self, other: CategorySketch) -> CategorySketch:
        """Return the sketch of both parts together."""
        names = dict((Counter(self.other_names) + Counter(other.other_names)).most_common(OTHER_NAMES_KEPT))
        return CategorySketch(self.missing + other.missing, self.counts + other.counts, self.other + other.other, names)


Sketch = NumberSketch | CategorySketch
# A column of rows: float64 with NaN for missing, or texts with "" for missing.
Values = Floats | Sequence[str]


@dataclass(frozen=True, eq=False)
class Window:
    """Rows of traffic, sketched in the reference's columns."""

    rows: int
    sketches: tuple[Sketch, ...]

    def merge(self, other: Window) -> Window:
        """Return the window of both parts together."""
        return Window(
            self.rows + other.rows,
            tuple(_merged(mine, theirs) for mine, theirs in zip(self.sketches, other.sketches, strict=True)),
        )


def empty_window(reference: Reference) -> Window:
    """Return a window without rows."""
    return Window(0, tuple(_empty(column) for column in reference.columns))


def sketch_rows(reference: Reference, inputs: Mapping[str, Values], prediction: Values, rows: int) -> Window:
    """Return the window of `rows` rows; an input of the reference that did not come counts as missing throughout."""
    sketches: list[Sketch] = []
    for column in reference.columns:
        values = prediction if column.is_prediction else inputs.get(column.name)
        if isinstance(column, NumberReference):
            numbers = np.full(rows, np.nan) if values is None else np.asarray(values, dtype=np.float64)
            sketches.append(sketch_numbers(column, numbers))
        else:
            texts = [""] * rows if values is None else [str(value) for value in values]
            sketches.append(sketch_texts(column, texts))
    return Window(rows, tuple(sketches))


def sketch_numbers(reference: NumberReference, values: Floats) -> NumberSketch:
    """Return the sketch of values; what is not finite is missing."""
    present = values[np.isfinite(values)]
    bins = len(reference.edges) + 1
    if not len(present):
        return NumberSketch(len(values), np.zeros(bins, dtype=np.int64), np.zeros(bins), np.inf, -np.inf, 0.0, 0.0)
    index = np.searchsorted(reference.edges, present, side="left")
    mean = float(present.mean())
    return NumberSketch(
        missing=len(values) - len(present),
        bin_counts=np.bincount(index, minlength=bins).astype(np.int64),
        bin_sums=np.bincount(index, weights=present, minlength=bins).astype(np.float64),
        minimum=float(present.min()),
        maximum=float(present.max()),
        mean=mean,
        squares=float(np.square(present - mean).sum()),
    )


def sketch_texts(reference: CategoryReference, values: Iterable[str]) -> CategorySketch:
    """Return the sketch of values; the empty text is missing."""
    counted = Counter(values)
    missing = counted.pop("", 0)
    counts = np.array([counted.pop(category, 0) for category in reference.categories], dtype=np.int64)
    names = dict(counted.most_common(OTHER_NAMES_KEPT))
    return CategorySketch(missing, counts, counted.total(), names)


def _empty(column: ColumnReference) -> Sketch:
    if isinstance(column, NumberReference):
        return sketch_numbers(column, np.empty(0))
    return sketch_texts(column, ())


def _merged(mine: Sketch, theirs: Sketch) -> Sketch:
    if isinstance(mine, NumberSketch) and isinstance(theirs, NumberSketch):
        return mine.merge(theirs)
    if isinstance(mine, CategorySketch) and isinstance(theirs, CategorySketch):
        return mine.merge(theirs)
    raise ValueError("the two windows were sketched in different references")
