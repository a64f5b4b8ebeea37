"""Rows to predict, from the command line or a small file."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

Row = dict[str, Any]
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d*)")
_DECIMAL = re.compile(r"[+-]?((0|[1-9]\d*)?\.\d+|(0|[1-9]\d*)\.?)([eE][+-]?\d+)?")
_DELIMITERS = ",;\t|"


def rows_of(pairs: Sequence[str], file: Path | None) -> list[Row]:
    """Return rows from COLUMN=VALUE pairs (one row) or from a CSV, JSON or JSON Lines file ("-" is standard input).

    Raises BadParameter where neither, both or something else is given.
    """
    if file is not None and pairs:
        raise typer.BadParameter("give a row as COLUMN=VALUE ..., or rows with --file, not both")
    if file is not None:
        return _rows_of_text(_read(file))
    if not pairs:
        raise typer.BadParameter("give a row as COLUMN=VALUE ..., or rows in a file with --file")
    return [dict(_pair(pair) for pair in pairs)]


def value_of(text: str) -> Any:
    """Return what a person means by a text: a number where it is written as one, None for nothing, text else.

    "007" and "nan" stay texts: the one is more likely a code, the other no number in JSON.
    """
    if text == "":
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} is not UTF-8 text (byte {error.start}); rows are read from text") from error


def _pair(pair: str) -> tuple[str, Any]:
    column, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{pair}' is not COLUMN=VALUE")
    return column, value_of(value)


def _rows_of_text(text: str) -> list[Row]:
    rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)
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


def _csv_rows(text: str) -> list[Row]:
    header = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(io.StringIO(text.lstrip()), delimiter=delimiter)
    rows = []
    for row in reader:
        if None in row:
            raise typer.BadParameter(f"line {reader.line_num} has more values than the header has columns")
        rows.append({column: value_of(value or "") for column, value in row.items()})
    return rows
