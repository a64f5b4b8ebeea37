"""Reads JSON arrays of records and JSON Lines with DuckDB into raw texts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb

from fairlead.kit.errors import InvalidArgument

from ...domain.reading.names import stable_names
from ..duck import literal, parquet_options, quoted

# Files up to this size are read once more to name the line of an error.
_DIAGNOSED = 64 << 20
_NESTED = ("STRUCT", "MAP", "UNION")


def read_json_records(
    connection: duckdb.DuckDBPyConnection, path: Path, format: str, target: Path
) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
    """Write the records as columns c0, c1, ... of texts into a raw Parquet file.

    Returns the column names, the number of records and notes. Raises InvalidArgument with line and reason for JSON
    that is broken or that holds no records.
    """
    layout = "array" if format == "json" else "newline_delimited"
    source = f"read_json({literal(str(path))}, format='{layout}', records=true, maximum_depth=2, sample_size=-1)"
    try:
        found = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        given = [(str(row[0]), str(row[1])) for row in found]
        texts = ", ".join(f"{_as_text(name, type)} AS c{i}" for i, (name, type) in enumerate(given))
        connection.execute(
            f"COPY (SELECT {texts} FROM {source}) TO {literal(str(target))} {parquet_options(len(given), 'lz4')}"
        )
        counted = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(target))})").fetchone()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise InvalidArgument(_reason(path, layout, error)) from error
    nested = [name for name, type in given if _is_nested(type)]
    names, notes = stable_names([name for name, _ in given])
    if nested:
        notes += (f"Nested values of {', '.join(nested)} were kept as JSON text.",)
    rows = int(counted[0]) if counted else 0
    if not rows:
        raise InvalidArgument("the file holds no records; upload a JSON array of records or one record a line")
    return names, rows, notes


def _is_nested(type: str) -> bool:
    return type.endswith("]") or type.startswith(_NESTED)


def _as_text(name: str, type: str) -> str:
    column = quoted(name)
    if type == "JSON":
        return f"{column} ->> '$'"
    return f"to_json({column})::VARCHAR" if _is_nested(type) else f"{column}::VARCHAR"


def _reason(path: Path, layout: str, error: duckdb.Error) -> str:
    message = str(error).split("\n")[0]
    if "non-record" in message or "first character" in message:
        return (
            'the JSON holds no records: an array of objects such as [{"a": 1}, {"a": 2}] or one object a line is read, '
            "nothing else"
        )
    fault = _fault_in_lines(path) if layout == "newline_delimited" else _fault_in_array(path)
    plain = re.sub(r"^Invalid Input Error: |in file \"[^\"]*\", ", "", message).rstrip(". ")
    return f"the JSON is broken: {fault or plain}. Correct it and upload again"


def _fault_in_lines(path: Path) -> str:
    with path.open(encoding="utf-8") as source:
        for number, line in enumerate(source, start=1):
            if not line.strip():
                continue
            try:
                json.loads(line)
            except json.JSONDecodeError as error:
                return f"line {number}, character {error.colno}: {error.msg}"
    return ""


def _fault_in_array(path: Path) -> str:
    if path.stat().st_size > _DIAGNOSED:
        return ""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, character {error.colno}: {error.msg}"
    return ""
