"""Whether the first record names the columns, and what it names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fairlead.kit.errors import InvalidArgument

Record = tuple[str, ...]
_VALUE = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
# A second header row is looked for only under this many blank cells in the first.
_BLANKS_FOR_SECOND = 3


@dataclass(frozen=True)
class Header:
    """The raw names (blank ones included), and how many records they took: 0 means that there is no header."""

    names: Record
    records: int
    notes: tuple[str, ...] = ()


def read_header(records: Sequence[Record], width: int) -> Header:
    """Return the header of records that are `width` fields wide, the first of which may be one.

    Raises InvalidArgument for a header whose width does not fit the rows, and for a header without rows.
    """
    first, rows = records[0], [record for record in records[1:] if len(record) == width]
    if not _is_header(first, rows, width):
        note = f"No header was found (line 1 reads like data), so the columns were named column_1 to column_{width}."
        return Header(("",) * width, 0, (note,))
    if len(records) == 1:
        raise InvalidArgument(f"the file has a header of {len(first)} columns and no rows; upload a file with rows")
    names, notes = _fitted(first, rows, width)
    if rows and _is_second_header(names, rows):
        return Header(
            _folded(names, rows[0]), 2,
            (*notes, "Line 2 reads like a second header (it fills blank cells of line 1), so it went into the names."),
        )  # fmt: skip
    return Header(names, 1, notes)


def is_value(cell: str) -> bool:
    """Tell whether a cell is a number or a date, as names of columns are not."""
    return _VALUE.fullmatch(cell.strip()) is not None


def _is_header(first: Record, rows: Sequence[Record], width: int) -> bool:
    cells = [cell.strip() for cell in first]
    filled = [cell for cell in cells if cell]
    values = [cell for cell in filled if is_value(cell)]
    if not filled:
        return False
    if not values:
        return not _recurs(cells, rows, width)
    if _is_run(values):
        return len(values) == len(filled) or len(values) >= 2
    return len(values) < 0.1 * len(filled) and len(set(filled)) == len(filled)


def _is_run(values: Sequence[str]) -> bool:
    """Tell whether the cells are whole numbers that go up by one, as 0, 1, 2 or the years of a wide table."""
    if len(values) < 2 or not all(value.isdigit() for value in values):
        return False
    numbers = [int(value) for value in values]
    return all(later - earlier == 1 for earlier, later in pairwise(numbers))


def _recurs(cells: Sequence[str], rows: Sequence[Record], width: int) -> bool:
    """Tell whether each cell of the first record is also a value further down its column: then it is data."""
    if len(rows) < 5 or len(cells) != width:
        return False
    return all(any(row[i].strip() == cell for row in rows) for i, cell in enumerate(cells))


def _fitted(first: Record, rows: Sequence[Record], width: int) -> tuple[Record, tuple[str, ...]]:
    """Return the header as wide as the rows."""
    surplus = len(first) - width
    if surplus == 0:
        return first, ()
    if surplus > 0 and not any(cell.strip() for cell in first[width:]):
        return first[:width], ()
    if surplus < 0 and not any(cell.strip() for row in rows for cell in row[surplus:]):
        return first + ("",) * -surplus, ()
    if surplus == -1:
        return ("", *first), ("The header has one name fewer than the rows have values: the first column has no name.",)
    raise InvalidArgument(
        f"line 1: the header names {len(first)} columns, but most rows have {width} values; "
        "give every column one name, or quote values that hold the delimiter"
    )


def _is_second_header(names: Record, rows: Sequence[Record]) -> bool:
    """Tell whether the first row names what the header leaves blank.

    So it is where the header has many blank cells, the row fills them all with texts, its first cell is empty as no
    other row's is, and no cell of it is a number.
    """
    blanks = [i for i, name in enumerate(names) if not name.strip()]
    row = rows[0]
    if len(blanks) < _BLANKS_FOR_SECOND or len(blanks) * 5 < len(names) or row[0].strip() or not names[0].strip():
        return False
    filled = all(row[i].strip() for i in blanks)
    text = not any(map(is_value, row))
    return filled and text and all(other[0].strip() for other in rows[1:20])


def _folded(names: Record, second: Record) -> Record:
    """Return one name a column: a group's title and the second header's cell, or whichever of them there is."""
    folded, title = [], ""
    for i, (name, cell) in enumerate(zip(names, second, strict=True)):
        starts_group = bool(name.strip()) and i + 1 < len(names) and not names[i + 1].strip()
        if name.strip():
            title = name.strip() if starts_group else ""
            folded.append(f"{name.strip()} / {cell.strip()}" if starts_group and cell.strip() else name)
        else:
            folded.append(f"{title} / {cell.strip()}" if title else cell)
    return tuple(folded)
