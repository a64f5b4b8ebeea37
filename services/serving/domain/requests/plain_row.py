"""The commonest request, read at once: one row, a tensor a column in the order of the model's inputs; and several such.

What is not as plain as that is read as tensors, which takes several times as long and tells what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..models.schema import Schema
from .columns import Columns
from .datetimes import outside_years


class PlainRow(NamedTuple):
    """Names of the columns, whether each is a text, and the values: str for texts ("" missing), else numbers."""

    names: tuple[str, ...]
    texts: tuple[bool, ...]
    values: list[str | float]


def columns_of_plain_row(schema: Schema, row: PlainRow) -> Columns | None:
    """Return the schema's columns; None where the row is not sent just as the model reads it."""
    return columns_of_plain_rows(schema, (row,))


def columns_of_plain_rows(schema: Schema, rows: Sequence[PlainRow]) -> Columns | None:
    """Return the schema's columns of several requests' rows; None where one is not sent just as the model reads it."""
    layout = schema.layout
    if any(row.names != layout.names or row.texts != layout.texts for row in rows):
        return None
    values = list(zip(*[row.values for row in rows], strict=True))
    # One array for all numbers and one for all texts: the columns are views of them.
    numbers = np.array([values[place] for place in layout.number_places], dtype=np.float64)
    if layout.datetimes and any(outside_years(numbers[index]).any() for index in layout.datetimes):
        return None
    texts = np.array([values[place] for place in layout.text_places], dtype=object)
    stacked = [*numbers, *texts]
    return tuple([stacked[place] for place in layout.order])
