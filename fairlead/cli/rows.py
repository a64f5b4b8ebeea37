"""Rows to predict, from the command line or a small file."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from fairlead.cli.delimited_rows import Row, delimited_rows, value_of
from fairlead.client import ApiError

_GZIP = b"\x1f\x8b"
_ROW = re.compile(r"\brow (\d+)\b|\brows\[(\d+)\]")
_SEND_NULL = re.compile(r"send null(?:, NaN or an empty text)?")


class Rows(list[Row]):
    """Rows, and how whoever gave them would say where one is wrong: lines has each row's line in a CSV file."""

    def __init__(self, rows: Iterable[Row], instead_of_null: str = "", name: str = "", lines: Sequence[int] = ()):
        super().__init__(rows)
        self._instead_of_null = instead_of_null
        self._name = name
        self._lines = lines

    def told(self, error: ApiError) -> ApiError:
        """Return the error of a call with these rows in the words of the command line."""
        read = f" ({self._name} was read as CSV)" if self._lines else ""
        errors = [{key: self._said(text) for key, text in each.items()} for each in error.errors]
        return ApiError(error.status, error.code, self._said(error.detail) + read, error.request_id, errors)

    def _said(self, text: str) -> str:
        if self._instead_of_null:
            text = _SEND_NULL.sub(self._instead_of_null, text)
        return _ROW.sub(self._line, text) if self._lines else text

    def _line(self, found: re.Match[str]) -> str:
        row = int(found[1] or found[2])
        return f"line {self._lines[row]}" if row < len(self._lines) else found[0]


def rows_of(pairs: Sequence[str], file: Path | None) -> Rows:
    """Return rows from COLUMN=VALUE pairs (one row) or from a CSV, JSON or JSON Lines file ("-" is standard input).

    Raises BadParameter where neither, both or something else is given.
    """
    if file is not None and pairs:
        raise typer.BadParameter("give a row as COLUMN=VALUE ..., or rows with --file, not both")
    if file is not None:
        return _rows_of_text(_read(file), "standard input" if str(file) == "-" else str(file))
    if not pairs:
        raise typer.BadParameter("give a row as COLUMN=VALUE ..., or rows in a file with --file")
    return Rows([dict(_pair(pair) for pair in pairs)], "give COLUMN=")


def _read(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    try:
        data = file.read_bytes()
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} is not UTF-8 text (byte {error.start}); rows are read from text") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise typer.BadParameter(f"{file} is a damaged gzip ({error}); compress it again") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _pair(pair: str) -> tuple[str, Any]:
    column, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{pair}' is not COLUMN=VALUE")
    return column, value_of(value)


def _rows_of_text(text: str, name: str) -> Rows:
    if text.lstrip()[:1] in ("[", "{"):
        rows = Rows(_json_rows(text))
    else:
        read, lines = delimited_rows(text, name)
        rows = Rows(read, "leave the cell empty", name, lines)
    if not rows:
        raise typer.BadParameter("the file holds no rows")
    return rows


def _json_rows(text: str) -> list[Row]:
    try:
        whole = json.loads(text)
        rows = whole if isinstance(whole, list) else [whole]
    except json.JSONDecodeError as error:
        # More than one value: JSON Lines.
        rows = _json_lines(text) if text.lstrip().startswith("{") else _refuse_json(error.lineno, error)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise typer.BadParameter(f"row {number} is no JSON object of columns and values: {json.dumps(row)}")
    return rows


def _json_lines(text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                _refuse_json(number, error)
    return rows


def _refuse_json(line: int, error: json.JSONDecodeError) -> list[Any]:
    raise typer.BadParameter(f"line {line} is not valid JSON: {error.msg}") from error
