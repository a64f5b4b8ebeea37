"""Rows as JSON objects, turned into columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fairlead.kit.errors import InvalidArgument

from ..models.schema import Schema
from .columns import Array, Columns, columns_of


def columns_of_rows(schema: Schema, rows: Sequence[object]) -> tuple[Columns, int]:
    """Return the schema's columns of rows such as {"age": 39, "workclass": null}, and their number.

    A key that some rows lack is missing there. Raises InvalidArgument for a row that is no object, for a column that no
    row has, and for bad values.
    """
    objects: list[Mapping[str, Any]] = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InvalidArgument(f'row {number} is not an object; send each row as {{"column": value, ...}}')
        objects.append(row)
    if not objects:
        raise InvalidArgument("no rows were sent; send at least one")
    given: dict[str, Array] = {}
    for column in schema.inputs:
        if any(column.name in row for row in objects):
            values = np.empty(len(objects), dtype=object)
            for number, row in enumerate(objects):
                values[number] = row.get(column.name)
            given[column.name] = values
    return columns_of(schema, given)
