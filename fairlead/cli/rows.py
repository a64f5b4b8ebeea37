"""Rows to predict, from the command line or a small file."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

Row = dict[str, Any]


def rows_of(pairs: Sequence[str], file: Path | None) -> list[Row]:
    """Return rows from COLUMN=VALUE pairs (one row) or from a CSV, JSON or JSON Lines file ("-" is standard input).

    Raises BadParameter where neither or something else is given.
    """
    if file is not None:
        return _rows_of_text(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig"))
    if not pairs:
        raise typer.BadParameter("give a row as COLUMN=VALUE ..., or rows in a file with --file")
    return [dict(_pair(pair) for pair in pairs)]


def value_of(text: str) -> Any:
    """Return what a person means by a text: a number where it reads as one, None for nothing, text else."""
    if text == "":
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text and "e" not in text.lower() else number


def _pair(pair: str) -> tuple[str, Any]:
    column, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{pair}' is not COLUMN=VALUE")
    return column, value_of(value)


def _rows_of_text(text: str) -> list[Row]:
    stripped = text.lstrip()
    if stripped.startswith("["):
        rows = json.loads(stripped)
    elif stripped.startswith("{"):
        rows = [json.loads(line) for line in stripped.splitlines() if line.strip()]
    else:
        lines = stripped.splitlines()
        dialect = csv.Sniffer().sniff(lines[0], delimiters=",;\t|") if len(lines) > 0 and len(lines[0]) > 0 else "excel"
        rows = [{key: value_of(value) for key, value in row.items()} for row in csv.DictReader(lines, dialect=dialect)]
    if not rows:
        raise typer.BadParameter("the file holds no rows")
    return list(rows)
