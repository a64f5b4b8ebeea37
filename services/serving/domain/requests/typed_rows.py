"""Rows of JSON values whose types tell, turned into columns: every row has every column, and "39" is no number."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..models.schema import InputColumn, Kind, Schema
from .columns import Array, Columns
from .datetimes import to_epoch_seconds
from .plain_row import PlainRow

Row = Mapping[str, Any]
LISTED_COLUMNS = 20
_A_TIME = "a time such as 2026-01-31T17:01:03Z, of the years 1 to 9999 of UTC"


def columns_of_typed_rows(schema: Schema, rows: Sequence[Row]) -> tuple[Columns, int]:
    """Return the schema's columns and the number of rows; other members of the rows are left out.

    Raises InvalidArgument that names row and column of the first value of a wrong type, or the missing columns.
    """
    try:
        return tuple(_column(rows, column) for column in schema.inputs), len(rows)
    except KeyError:
        raise _missing(rows, schema) from None


def plain_row_of_typed(schema: Schema, row: Row) -> PlainRow | None:
    """Return a row as the model reads it; None where columns_of_typed_rows() would refuse it."""
    try:
        values = [_CONVERT[column.kind](row[column.name]) for column in schema.inputs]
    except (KeyError, ValueError, OverflowError):
        return None
    return PlainRow(schema.layout.names, schema.layout.texts, values)


def _column(rows: Sequence[Row], column: InputColumn) -> Array:
    name, convert = column.name, _CONVERT[column.kind]
    values = np.empty(len(rows), dtype=object if column.kind is Kind.TEXT else np.float64)
    try:
        for index, row in enumerate(rows):
            values[index] = convert(row[name])
    except (ValueError, OverflowError):
        raise _wrong_type(rows, name, convert) from None
    return values


def _number(value: Any) -> float:
    if isinstance(value, float | int):
        return float(value)
    if value is None:
        return math.nan
    raise ValueError("a number")


def _boolean(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool | int | float) and value in (0, 1):
        return float(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return float(value.lower() == "true")
    raise ValueError("true or false")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    # Codes such as 3 are often read as numbers by the program that sends them.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    raise ValueError("text")


def _instant(value: Any) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, str):
        try:
            return to_epoch_seconds(value)
        except ValueError:
            raise ValueError(_A_TIME) from None
    raise ValueError(_A_TIME)


_CONVERT: dict[Kind, Callable[[Any], float | str]] = {
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.TEXT: _text,
    Kind.DATETIME: _instant,
}


def _wrong_type(rows: Sequence[Row], name: str, convert: Callable[[Any], Any]) -> InvalidArgument:
    """Return the error for the first value that can't be converted; there is one."""
    for index, row in enumerate(rows):
        try:
            convert(row[name])
        except OverflowError:
            expected = "a number below 1.8e308"
        except ValueError as error:
            expected = str(error)
        else:
            continue
        quoted = convert is _number and _is_number(row[name])
        advice = f"send {row[name]} without quotes" if quoted else "send null where the value is missing"
        rule = f"expected {expected}, got {_quoted(row[name])}; {advice}"
        return InvalidArgument(
            f"row {index}, column '{name}': {rule}", violations=[FieldViolation(f"rows[{index}].{name}", rule)]
        )
    raise AssertionError(f"every value of column '{name}' can be converted")


def _missing(rows: Sequence[Row], schema: Schema) -> InvalidArgument:
    """Return the error for the first row that lacks columns; there is one."""
    for index, row in enumerate(rows):
        absent = [column.name for column in schema.inputs if column.name not in row]
        if absent:
            listed = ", ".join(f"'{name}'" for name in absent[:LISTED_COLUMNS])
            more = f" and {len(absent) - LISTED_COLUMNS} more" if len(absent) > LISTED_COLUMNS else ""
            rule = "the model reads this column; send null where the value is missing"
            return InvalidArgument(
                f"row {index} lacks the columns {listed}{more}; send null where a value is missing",
                violations=[FieldViolation(f"rows[{index}].{name}", rule) for name in absent[:LISTED_COLUMNS]],
            )
    raise AssertionError("no row lacks a column")


def _is_number(value: Any) -> bool:
    """Return whether a text is a number as JSON writes one."""
    return isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", value) is not None


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
