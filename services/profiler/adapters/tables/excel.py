"""Reads one sheet of an Excel or OpenDocument workbook into delimited text."""

from __future__ import annotations

import csv
import datetime
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fairlead.kit.errors import InvalidArgument

from ...domain.reading.dialects import dialect_of
from ...domain.reading.model import Dialect

# A workbook is a zip: refused when it would unpack to more than this.
_MAX_UNPACKED = 2 << 30
_SAMPLE = 500


def write_sheet(path: Path, sheet: str, target: Path) -> tuple[Dialect, str]:
    """Write the named sheet, or the first with a table, as CSV and return how it is written and the sheet's name.

    Raises InvalidArgument for a broken workbook, an unknown sheet and one without a table.
    """
    import python_calamine

    _refuse_bombs(path)
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
        name = _sheet_name(workbook, sheet)
        rows = _texts(workbook.get_sheet_by_name(name).iter_rows())
        sample = list(islice(rows, _SAMPLE))
    except (python_calamine.CalamineError, OSError) as error:
        raise InvalidArgument(f"the workbook can't be read: {error}; save it again from the spreadsheet") from error
    dialect = dialect_of(sample, ",")
    with target.open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink, lineterminator="\n").writerows(chain(sample, rows))
    return dialect, name


def _refuse_bombs(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    if size > _MAX_UNPACKED:
        raise InvalidArgument(f"the workbook unpacks to {size:,} bytes, over {_MAX_UNPACKED:,}; save it as CSV instead")


def _sheet_name(workbook: Any, wanted: str) -> str:
    names: Sequence[str] = workbook.sheet_names
    if wanted:
        if wanted not in names:
            raise InvalidArgument(f"there is no sheet '{wanted}'; the workbook has: {', '.join(names)}")
        return wanted
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.height >= 2 and sheet.width >= 1:
            return name
    raise InvalidArgument(f"no sheet holds a table of a header and rows; the workbook has: {', '.join(names)}")


def _texts(rows: Iterator[Sequence[object]]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield tuple(_text(cell) for cell in row)


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
