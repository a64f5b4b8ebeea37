"""The fitted preparation: what turns input columns into features, and nothing of how it was learnt.

It is stored with the model, pickled by value, so it needs NumPy and the calendar formulas only. Every treatment of a
category is in the end a table: value -> row of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from .calendar import calendar_part

Columns = dict[str, NDArray[np.generic]]
Floats = NDArray[np.float64]

# See arrow_columns.LARGEST; repeated here because this module travels without the others.
LARGEST = 3e38


@dataclass(frozen=True)
class NumberSource:
    """A numeric input column, or a calendar part of a datetime column."""

    column: str
    part: str = ""

    @property
    def name(self) -> str:
        """Such as `age` or `pickup.hour`."""
        return f"{self.column}.{self.part}" if self.part else self.column

    def read(self, columns: Columns) -> Floats:
        """The values [n] before any treatment."""
        values = np.asarray(columns[self.column], dtype=np.float64)
        if not self.part:
            return values
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(calendar_part(values, self.part, np.floor), dtype=np.float64)


@dataclass(frozen=True)
class NumberBlock:
    """m numbers: (value or `fill` where missing, minus `shift`) / `scale`; then the missing flags of `flagged`.

    A `fill` of NaN leaves a missing value missing. Infinite values and those beyond LARGEST count as missing.
    """

    # Tells blocks apart also where an unpickled class is not this one (see the module's first lines).
    kind: ClassVar[Literal["numbers"]] = "numbers"
    sources: tuple[NumberSource, ...]
    fill: Floats
    shift: Floats
    scale: Floats
    flagged: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names."""
        return (*(s.name for s in self.sources), *(f"{self.sources[i].name} is missing" for i in self.flagged))

    @property
    def columns(self) -> tuple[str, ...]:
        """Input columns read."""
        return tuple(dict.fromkeys(source.column for source in self.sources))

    @property
    def rescales(self) -> bool:
        """Whether shift and scale do anything."""
        return bool(np.any(self.shift != 0.0) or np.any(self.scale != 1.0))

    def features(self, columns: Columns) -> Floats:
        """Features [n, m + flags]."""
        raw = np.column_stack([source.read(columns) for source in self.sources])
        known = np.abs(raw) <= LARGEST
        values = np.where(known, raw, self.fill)
        if self.rescales:
            values = (values - self.shift) / self.scale
        if not self.flagged:
            return values
        return np.hstack([values, (~known[:, list(self.flagged)]).astype(np.float64)])


@dataclass(frozen=True)
class CategoryBlock:
    """One column's values looked up in `table` [r, k]: `rows[i]` is the table's row for `keys[i]`.

    Keys are str, or float for numeric columns. Values without a key, and missing ones ("" or NaN), have own rows.
    """

    kind: ClassVar[Literal["category"]] = "category"
    column: str
    keys: tuple[str, ...] | tuple[float, ...]
    rows: NDArray[np.int64]
    table: Floats
    missing_row: int
    unseen_row: int
    names: tuple[str, ...]
    numeric: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Input columns read."""
        return (self.column,)

    def features(self, columns: Columns) -> Floats:
        """Features [n, k]."""
        return self.table[self.rows_of(columns[self.column])]

    def rows_of(self, values: NDArray[np.generic]) -> NDArray[np.int64]:
        """The table's row for each value [n]."""
        lookup: dict[object, int] = dict(zip(self.keys, self.rows.tolist(), strict=True))
        listed: Iterable[object]
        if self.numeric:
            numbers = np.asarray(values, dtype=np.float64)
            listed = numbers.tolist()
        else:
            lookup[""] = self.missing_row
            listed = values.tolist()
        found = map(lookup.get, listed, repeat(self.unseen_row))
        rows = np.fromiter(found, dtype=np.int64, count=len(values))
        if self.numeric:
            rows[~(np.abs(numbers) <= LARGEST)] = self.missing_row
        return rows


@dataclass(frozen=True)
class FittedPreparation:
    """Blocks whose features stand side by side; the same object serves in training, batch and online."""

    blocks: tuple[NumberBlock | CategoryBlock, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the k features."""
        return tuple(name for block in self.blocks for name in block.names)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The input columns that are read, each once."""
        return tuple(dict.fromkeys(name for block in self.blocks for name in block.columns))

    def transform(self, columns: Columns) -> Floats:
        """Features [n, k] of columns [n] (float64, or str objects for text). Raises KeyError for an absent column."""
        return np.hstack([block.features(columns) for block in self.blocks])
