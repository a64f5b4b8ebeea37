"""JSON rows to columns and back: numbers (NaN is missing, booleans are 0 and 1) or texts ("" is missing)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .input_kinds import Kind

Row = Mapping[str, Any]
Value = TypeVar("Value", float, str)
LISTED_COLUMNS = 20


@dataclass(frozen=True)
class Columns:
    """Columns of equal length by name; each is numbers or texts."""

    numbers: Mapping[str, list[float]]
    texts: Mapping[str, list[str]]


def to_columns(rows: Sequence[Row], kinds: Mapping[str, Kind]) -> Columns:
    """Return the columns that a model reads; other members of the rows are left out.

    Raises InvalidArgument that names row and column of the first value of a wrong type, or the missing columns.
    """
    numbers: dict[str, list[float]] = {}
    texts: dict[str, list[str]] = {}
    try:
        for name, kind in kinds.items():
            if kind is Kind.NUMBER:
                numbers[name] = _values(rows, name, _number)
            elif kind is Kind.BOOLEAN:
                numbers[name] = _values(rows, name, _boolean)
            else:
                texts[name] = _values(rows, name, _text if kind is Kind.TEXT else _moment)
    except KeyError:
        raise _missing(rows, kinds) from None
    return Columns(numbers, texts)


def guess_kinds(rows: Sequence[Row]) -> dict[str, Kind]:
    """Return how the rows' own values look, where the model's inputs are not known: text where any value is text."""
    kinds: dict[str, Kind] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str):
                kinds[name] = Kind.TEXT
            else:
                kinds.setdefault(name, Kind.NUMBER)
    return kinds


def to_rows(columns: Columns, order: Sequence[str]) -> list[dict[str, Any]]:
    """Return one object a row, columns in the given order: None for missing, whole numbers without a point."""
    named = {**{name: _shown(values) for name, values in columns.numbers.items()}}
    named.update({name: [value or None for value in values] for name, values in columns.texts.items()})
    return [dict(zip(order, values, strict=True)) for values in zip(*(named[name] for name in order), strict=True)]


def _shown(values: list[float]) -> list[Any]:
    if all(value.is_integer() or not math.isfinite(value) for value in values):
        return [int(value) if math.isfinite(value) else None for value in values]
    return [value if math.isfinite(value) else None for value in values]


def _values(rows: Sequence[Row], name: str, convert: Callable[[Any], Value]) -> list[Value]:
    try:
        return [convert(row[name]) for row in rows]
    except (ValueError, OverflowError):
        raise _wrong_type(rows, name, convert) from None


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


def _moment(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("a time such as 2026-01-31T17:01:03Z") from None
        return value
    raise ValueError("a time such as 2026-01-31T17:01:03Z")


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
        rule = f"expected {expected}, got {_quoted(row[name])}; send null where the value is missing"
        return InvalidArgument(
            f"row {index}, column '{name}': {rule}", violations=[FieldViolation(f"rows[{index}].{name}", rule)]
        )
    raise AssertionError(f"every value of column '{name}' can be converted")


def _missing(rows: Sequence[Row], kinds: Mapping[str, Kind]) -> InvalidArgument:
    """Return the error for the first row that lacks columns; there is one."""
    for index, row in enumerate(rows):
        absent = [name for name in kinds if name not in row]
        if absent:
            listed = ", ".join(f"'{name}'" for name in absent[:LISTED_COLUMNS])
            more = f" and {len(absent) - LISTED_COLUMNS} more" if len(absent) > LISTED_COLUMNS else ""
            rule = "the model reads this column; send null where the value is missing"
            return InvalidArgument(
                f"row {index} lacks the columns {listed}{more}; send null where a value is missing",
                violations=[FieldViolation(f"rows[{index}].{name}", rule) for name in absent[:LISTED_COLUMNS]],
            )
    raise AssertionError("no row lacks a column")


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
