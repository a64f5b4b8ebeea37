"""Values as callers send them, turned into the arrays a model reads.

A model reads one array a column: float64 for numbers, booleans (0 and 1) and datetimes (seconds since 1970-01-01 UTC)
with NaN for missing, and str objects for text with "" for missing. All have the shape [n].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..models.schema import InputColumn, Kind, Schema
from .datetimes import outside_years, to_epoch_seconds

Array = NDArray[Any]
Columns = tuple[Array, ...]
"""One array per input of the schema, in its order."""

TRUTH = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0}
"""The texts, in lower case, that a boolean column is read from."""
_EXPECTED = {
    Kind.NUMBER: "a number",
    Kind.BOOLEAN: "true or false (or 1 or 0)",
    Kind.DATETIME: "an ISO 8601 date and time of the years 1 to 9999 of UTC, such as 2026-01-31T17:01:03Z",
    Kind.TEXT: "text",
}


def columns_of(schema: Schema, given: Mapping[str, Array], texts: Collection[str] = ()) -> tuple[Columns, int]:
    """Return the schema's columns and the number of rows; columns the model does not read are ignored.

    The given arrays have shape [n]: any numeric type, or objects (str, bool, int, float, None). Those named in texts
    are known to hold str alone.
    Raises InvalidArgument naming each missing column, and the first bad value or length.
    """
    rows = -1
    columns = []
    for column in schema.inputs:
        values = given.get(column.name)
        if values is None:
            raise _missing(schema, given)
        if rows >= 0 and len(values) != rows:
            raise invalid(
                column.name,
                f"column '{column.name}' has {len(values)} rows, but '{schema.inputs[0].name}' has {rows}; "
                "send columns of equal length",
            )
        rows = len(values)
        is_done = column.kind is Kind.TEXT and column.name in texts
        columns.append(values if is_done else to_model(column, values))
    return tuple(columns), max(rows, 0)


def to_model(column: InputColumn, values: Array) -> Array:
    """Return values as the model reads this column. Raises InvalidArgument naming column and row of a bad value."""
    if column.kind is Kind.TEXT:
        return _checked_texts(column, _to_texts(values))
    if values.dtype.kind == "f" or values.dtype.kind in "iub":
        numbers = values if values.dtype == np.float64 else values.astype(np.float64)
    else:
        numbers = _parsed(column, values)
    return _checked_instants(column, numbers) if column.kind is Kind.DATETIME else numbers


def invalid(name: str, message: str) -> InvalidArgument:
    """Return the error of one bad column."""
    return InvalidArgument(message, violations=[FieldViolation(name, message)])


def _missing(schema: Schema, given: Mapping[str, Array]) -> InvalidArgument:
    absent = [column.name for column in schema.inputs if column.name not in given]
    return InvalidArgument(
        f"the model reads column {', '.join(repr(name) for name in absent)}, which was not sent; "
        "send every input, with missing values as null, NaN or an empty text",
        violations=[FieldViolation(name, "the model reads this column; it was not sent") for name in absent],
    )


def _checked_instants(column: InputColumn, seconds: Array) -> Array:
    """Return instants that can be told again as texts, as the prediction log does."""
    outside = outside_years(seconds)
    if outside.any():
        row = int(outside.argmax())
        raise invalid(
            column.name,
            f"column '{column.name}', row {row}: {seconds[row]} is not in the years 1 to 9999; a datetime as a number "
            "is seconds since 1970-01-01 UTC",
        )
    return seconds


def _checked_texts(column: InputColumn, texts: Array) -> Array:
    """Return texts that UTF-8 can spell: Python's own JSON reads halves of pairs of surrogates too."""
    joined = "".join(texts.tolist())
    if not joined.isascii():
        try:
            joined.encode()
        except UnicodeEncodeError:
            row = next(row for row, text in enumerate(texts.tolist()) if not _is_unicode(text))
            raise invalid(
                column.name,
                f"column '{column.name}', row {row}: {texts[row][:60]!r} has half of a pair of surrogates, which is no "
                "text",
            ) from None
    return texts


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parsed(column: InputColumn, values: Array) -> Array:
    parse = _PARSERS[column.kind]
    numbers = np.empty(len(values), dtype=np.float64)
    for row, value in enumerate(values.tolist()):
        try:
            numbers[row] = _number(value, parse)
        except (ValueError, KeyError, TypeError, OverflowError):
            raise invalid(
                column.name,
                f"column '{column.name}', row {row}: {str(value)[:60]!r} is not {_EXPECTED[column.kind]}; "
                "send null, NaN or an empty text where it is missing",
            ) from None
    return numbers


def _number(value: object, parse: Callable[[str], float]) -> float:
    if value is None or value == "":
        return float("nan")
    if isinstance(value, str):
        return parse(value)
    return float(value)  # type: ignore[arg-type]  # anything that is no number raises TypeError, which is reported


def _truth(text: str) -> float:
    return TRUTH[text.strip().lower()]


_PARSERS: dict[Kind, Callable[[str], float]] = {
    Kind.NUMBER: float,
    Kind.BOOLEAN: _truth,
    Kind.DATETIME: to_epoch_seconds,
}


def _to_texts(values: Array) -> Array:
    if values.dtype.kind == "O":
        items = values.tolist()
        if all(type(item) is str for item in items):
            return values
    else:
        items = values.tolist()
    texts = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        texts[row] = text_of(item)
    return texts


def text_of(value: object) -> str:
    """Return a value as a category is spelled: 3.0 is "3", True is "true", missing is ""."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
