"""Columns to JSON rows: numbers (NaN is missing, booleans are 0 and 1) or texts ("" is missing)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Columns:
    """Columns of equal length by name; each is numbers or texts."""

    numbers: Mapping[str, list[float]]
    texts: Mapping[str, list[str]]


def to_rows(columns: Columns, order: Sequence[str]) -> list[dict[str, Any]]:
    """Return one object a row, columns in the given order: None for missing, whole numbers without a point."""
    named = {**{name: _shown(values) for name, values in columns.numbers.items()}}
    named.update({name: [value or None for value in values] for name, values in columns.texts.items()})
    return [dict(zip(order, values, strict=True)) for values in zip(*(named[name] for name in order), strict=True)]


def _shown(values: list[float]) -> list[Any]:
    if all(value.is_integer() or not math.isfinite(value) for value in values):
        return [int(value) if math.isfinite(value) else None for value in values]
    return [value if math.isfinite(value) else None for value in values]
