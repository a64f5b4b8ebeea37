"""Which type a column of texts has. A type is taken only when every cell that is not missing fits it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Kind:
    """A way to read a cell; narrower kinds come first in KINDS."""

    name: str
    # The DuckDB type that it is stored as.
    type: str
    fits: Callable[[str], bool]
    # The strptime format of a datetime kind.
    format: str = ""
    # What is said about it in the notes, or nothing.
    note: str = ""


def _full(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _dated(format: str) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            datetime.strptime(text, format)
        except ValueError:
            return False
        return True

    return fits


# Read with strptime, in order of preference where several fit every cell.
DATE_FORMATS = (
    "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d/%m/%y",
    "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M",
    "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%b %d %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%Y%m%dT%H%M%S",
)  # fmt: skip

INTEGER = Kind("integer", "BIGINT", _full(r"[+-]?(0|[1-9]\d{0,17})"))
NUMBER = Kind("number", "DOUBLE", _full(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"))
DECIMAL_COMMA = Kind(
    "decimal_comma", "DOUBLE", _full(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?"), note="decimal commas were read as points"
)
GROUPED = Kind(
    "grouped", "DOUBLE", _full(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?"), note="commas between thousands were taken out"
)
BOOLEAN = Kind("boolean", "BOOLEAN", _full(r"(?i:true|false)"))
ISO = Kind(
    "iso", "TIMESTAMP",
    _full(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?"),
)  # fmt: skip
DATES = tuple(
    Kind(f"date {format}", "TIMESTAMP", _dated(format), format, f"dates were read as {format}")
    for format in DATE_FORMATS
)
TEXT = Kind("text", "VARCHAR", lambda _text: True)

_LEADING_ZERO = re.compile(r"[+-]?0\d+")
_LONG_INTEGER = re.compile(r"[+-]?\d{19,}")


def plausible_kinds(values: Sequence[str], *, decimal: str) -> tuple[Kind, ...]:
    """Return the kinds that fit at least 90 % of some values of a column, narrowest first; TEXT is always last.

    Codes with leading zeros and integers over 18 digits stay text, since a number would lose digits.
    """
    if not values or any(_LEADING_ZERO.fullmatch(v) or _LONG_INTEGER.fullmatch(v) for v in values):
        return (TEXT,)
    numbers = (INTEGER, NUMBER, DECIMAL_COMMA) if decimal == "," else (INTEGER, NUMBER, GROUPED)
    return (*(kind for kind in (BOOLEAN, *numbers, ISO, *DATES) if _mostly(kind, values)), TEXT)


def _mostly(kind: Kind, values: Sequence[str]) -> bool:
    allowed = len(values) // 10
    misses = 0
    for value in values:
        misses += not kind.fits(value)
        if misses > allowed:
            return False
    return True
