"""Values of tensors, made the columns that the model reads; the rules are those of Fairlead's own doors.

A column is float64 for numbers, booleans (0 and 1) and times (seconds since 1970-01-01 UTC), NaN for missing, or str
objects, "" for missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from .manifest import BOOLEAN, DATETIME, NUMBER, TEXT, Column
from .model import Array
from .rows import Refused, epoch_seconds

TRUTH = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0}
"""The texts, in lower case, that a boolean column is read from."""
_EXPECTED = {
    NUMBER: "a number",
    BOOLEAN: "true or false (or 1 or 0)",
    DATETIME: "an ISO 8601 date and time of the years 1 to 9999 of UTC, such as 2026-01-31T17:01:03Z",
}


def columns_of(columns: Sequence[Column], given: Mapping[str, Array], texts: Collection[str] = ()) -> list[Array]:
    """Return what the model reads of arrays [n] by name; those that it does not read are left out.

    Arrays are of a numeric type or of objects (str, bool, int, float, None); those named in texts hold str alone.
    Raises Refused naming each missing column, and the first bad value or length.
    """
    absent = [column.name for column in columns if column.name not in given]
    if absent:
        raise Refused(
            f"the model reads column {', '.join(map(repr, absent))}, which was not sent; "
            "send every input, with missing values as null, NaN or an empty text"
        )
    first = columns[0].name
    made = []
    for column in columns:
        values = given[column.name]
        if len(values) != len(given[first]):
            raise Refused(
                f"column '{column.name}' has {len(values)} rows, but '{first}' has {len(given[first])}; "
                "send columns of equal length"
            )
        is_done = column.kind == TEXT and column.name in texts
        made.append(values if is_done else _to_model(column, values))
    return made


def columns_of_objects(columns: Sequence[Column], rows: Sequence[object]) -> list[Array]:
    """Return what the model reads of rows as objects; a column that some rows lack is missing there.

    Raises Refused for a row that is no object, for a column that no row has, and for bad values.
    """
    objects: list[Mapping[str, Any]] = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise Refused(f'row {number} is not an object; send each row as {{"column": value, ...}}')
        objects.append(row)
    if not objects:
        raise Refused("no rows were sent; send at least one")
    given: dict[str, Array] = {}
    for column in columns:
        if any(column.name in row for row in objects):
            values = np.empty(len(objects), dtype=object)
            for number, row in enumerate(objects):
                values[number] = row.get(column.name)
            given[column.name] = values
    return columns_of(columns, given)


def _to_model(column: Column, values: Array) -> Array:
    if column.kind == TEXT:
        texts = np.empty(len(values), dtype=object)
        texts[:] = [_text(value) for value in values.tolist()]
        return texts
    if values.dtype.kind != "O":
        return values.astype(np.float64, copy=False)
    numbers = np.empty(len(values), dtype=np.float64)
    for row, value in enumerate(values.tolist()):
        try:
            numbers[row] = _number(value, _PARSERS[column.kind])
        except (ValueError, KeyError, TypeError, OverflowError):
            raise Refused(
                f"column '{column.name}', row {row}: {str(value)[:60]!r} is not {_EXPECTED[column.kind]}; "
                "send null, NaN or an empty text where it is missing"
            ) from None
    return numbers


def _number(value: Any, parse: Callable[[str], float]) -> float:
    if value is None or value == "":
        return float("nan")
    return parse(value) if isinstance(value, str) else float(value)


def _text(value: Any) -> str:
    """Return a value as a category is spelled: 3.0 is "3", True is "true", missing is ""."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


_PARSERS: dict[str, Callable[[str], float]] = {
    NUMBER: float,
    BOOLEAN: lambda text: TRUTH[text.strip().lower()],
    DATETIME: epoch_seconds,
}
