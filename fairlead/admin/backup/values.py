"""Values of database columns as JSON and back, exactly: a plain JSON value, or an object of one tag and a text.

    {"b": base64} bytes      {"t": ISO 8601} datetime, with its zone or without      {"D": ...} date    {"T": ...} time
    {"n": text} Decimal      {"f": "nan" | "inf" | "-inf"}      {"s": seconds} timedelta     {"u": text} UUID
    {"l": [...]} list

Integers of any size and finite floats are JSON numbers, which Python reads back to the last digit.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from fairlead.admin.backup.errors import Damaged
from fairlead.kit.errors import Internal

Json = Any


def encode(value: Any) -> Json:
    """Return a column's value as JSON. Raises Internal for a type that no column of Fairlead's has."""
    if value is None or isinstance(value, bool | str):
        return value
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise Internal(f"a value of the type {type(value).__name__} can't be written to a backup")


def decode(encoded: Json) -> Any:
    """Return the value that `encode` was given. Raises Damaged for what it never writes."""
    if not isinstance(encoded, dict):
        if isinstance(encoded, list):
            raise Damaged("the backup holds a list where a value should be")
        return encoded
    try:
        ((tag, content),) = encoded.items()
        return _READERS[tag](content)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise Damaged(f"the backup holds a value that can't be read: {str(encoded)[:80]}") from error


def encode_row(row: Sequence[Any]) -> bytes:
    """Return a row as one line of JSON, without the line's end."""
    # ASCII: a text of SQLite's may hold half a surrogate pair, which UTF-8 has no way to write.
    return json.dumps([encode(value) for value in row], separators=(",", ":")).encode("ascii")


def decode_row(line: bytes) -> list[Any]:
    """Return the row of a line. Raises Damaged."""
    try:
        values = json.loads(line)
    except ValueError as error:
        raise Damaged(f"the backup holds a line that is no JSON: {line[:80]!r}") from error
    if not isinstance(values, list):
        raise Damaged(f"the backup holds a line that is no row: {line[:80]!r}")
    return [decode(value) for value in values]


def _write_float(value: float) -> Json:
    if math.isfinite(value):
        return value
    return {"f": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}


def _write_bytes(value: bytes | bytearray | memoryview) -> Json:
    return {"b": base64.b64encode(value).decode("ascii")}


def _read_duration(content: Sequence[int]) -> timedelta:
    days, seconds, microseconds = content
    return timedelta(days, seconds, microseconds)


# In this order: a datetime is a date too.
_WRITERS: tuple[tuple[Any, Callable[[Any], Json]], ...] = (
    (int, int),
    (float, _write_float),
    (bytes | bytearray | memoryview, _write_bytes),
    (datetime, lambda value: {"t": value.isoformat()}),
    (date, lambda value: {"D": value.isoformat()}),
    (time, lambda value: {"T": value.isoformat()}),
    (timedelta, lambda value: {"s": [value.days, value.seconds, value.microseconds]}),
    (Decimal, lambda value: {"n": str(value)}),
    (UUID, lambda value: {"u": str(value)}),
    (list | tuple, lambda value: {"l": [encode(item) for item in value]}),
)
_READERS: dict[str, Callable[[Any], Any]] = {
    "b": lambda content: base64.b64decode(content, validate=True),
    "f": float,
    "t": datetime.fromisoformat,
    "D": date.fromisoformat,
    "T": time.fromisoformat,
    "s": _read_duration,
    "n": Decimal,
    "u": UUID,
    "l": lambda content: [decode(item) for item in content],
}
