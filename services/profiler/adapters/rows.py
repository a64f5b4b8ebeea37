"""Rows of a stored dataset version."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .duck import literal, quoted


@dataclass(frozen=True)
class ColumnRows:
    """Some values of a column: numbers with NaN for missing, or texts with "" for missing."""

    name: str
    numbers: tuple[float, ...] | None = None
    texts: tuple[str, ...] | None = None


def read_rows(path: Path, skip: int, limit: int) -> list[ColumnRows]:
    """Return `limit` rows after the first `skip`, in stored order, by column; instants as ISO 8601 text."""
    source = f"read_parquet({literal(str(path))})"
    with duckdb.connect(config={"threads": 1, "memory_limit": "200MB"}) as connection:
        columns = [(str(r[0]), str(r[1])) for r in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        fields = ", ".join(_wire(quoted(name), type) for name, type in columns)
        rows = connection.execute(f"SELECT {fields} FROM {source} LIMIT {limit} OFFSET {skip}").fetchall()
    found = []
    for i, (name, type) in enumerate(columns):
        values = [row[i] for row in rows]
        if type in {"VARCHAR", "TIMESTAMP"}:
            found.append(ColumnRows(name, texts=tuple(value or "" for value in values)))
        else:
            found.append(ColumnRows(name, numbers=tuple(math.nan if v is None else float(v) for v in values)))
    return found


def _wire(column: str, type: str) -> str:
    if type == "TIMESTAMP":
        return f"replace({column}::VARCHAR, ' ', 'T')"
    return column if type == "VARCHAR" else f"{column}::DOUBLE"
