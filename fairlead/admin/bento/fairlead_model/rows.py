"""Rows and values as callers send them, made the columns that the model reads; the rules are those of Fairlead's API.

A column is float64 for numbers, booleans (0 and 1) and times (seconds since 1970-01-01 UTC), NaN for missing, or str
objects, "" for missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .manifest import BOOLEAN, DATETIME, NUMBER, TEXT, Column
from .model import Array

LISTED_COLUMNS = 20
A_NUMBER = "a number"
FIRST, END = -62_135_596_800, 253_402_300_800
"""When the year 1 begins, and the year 10000, in seconds since 1970-01-01 UTC."""
A_TIME = "a time such as 2026-01-31T17:01:03Z, of the years 1 to 9999 of UTC"


class Refused(Exception):
    """What the caller sent can't be read; the message says where and what to send."""


def columns_of_rows(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[Array]:
    """Return the columns of rows such as {"age": 39, "workclass": None}; other members are left out.

    Raises Refused naming row and column.
    """
    if not rows:
        raise Refused("rows must be a list of one or more objects, column to value")
    for number, row in enumerate(rows):
        absent = [column.name for column in columns if column.name not in row]
        if absent:
            names = ", ".join(f"'{name}'" for name in absent[:LISTED_COLUMNS])
            more = f" and {len(absent) - LISTED_COLUMNS} more" if len(absent) > LISTED_COLUMNS else ""
            raise Refused(f"row {number} lacks the columns {names}{more}; send null where a value is missing")
    return [column_of(column, [row[column.name] for row in rows]) for column in columns]


def column_of(column: Column, values: Sequence[Any]) -> Array:
    """Return values as the model reads this column. Raises Refused naming the row."""
    convert = _CONVERT[column.kind]
    made = np.empty(len(values), dtype=object if column.kind == TEXT else np.float64)
    for row, value in enumerate(values):
        try:
            made[row] = convert(value)
        except OverflowError:
            raise _refused(row, column, "a number below 1.8e308", value) from None
        except ValueError as error:
            raise _refused(row, column, str(error), value) from None
    return made


def _refused(row: int, column: Column, expected: str, value: Any) -> Refused:
    got = repr(value)
    got = got if len(got) <= 60 else got[:57] + "..."
    quoted = isinstance(value, str) and expected == A_NUMBER and _is_number(value)
    advice = f"send {value} without quotes" if quoted else "send null where the value is missing"
    return Refused(f"row {row}, column '{column.name}': expected {expected}, got {got}; {advice}")


def _is_number(text: str) -> bool:
    """Return whether a text is a number as JSON writes one."""
    return re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text) is not None


def _number(value: Any) -> float:
    if isinstance(value, float | int):
        return float(value)
    if value is None:
        return math.nan
    raise ValueError(A_NUMBER)


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


def _time(value: Any) -> float:
    if value is None or value == "":
        return math.nan
    if not isinstance(value, str):
        raise ValueError(A_TIME)
    try:
        return epoch_seconds(value)
    except ValueError:
        raise ValueError(A_TIME) from None


def epoch_seconds(text: str) -> float:
    """Return seconds since 1970-01-01 UTC of an ISO 8601 text, in UTC where it has no offset. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not FIRST <= seconds < END:
        raise ValueError("not in the years 1 to 9999 of UTC")
    return seconds


_CONVERT: dict[str, Callable[[Any], Any]] = {NUMBER: _number, BOOLEAN: _boolean, TEXT: _text, DATETIME: _time}
