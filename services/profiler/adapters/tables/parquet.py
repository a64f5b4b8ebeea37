"""Rewrites Parquet into the types that datasets are stored in."""

from __future__ import annotations

from pathlib import Path

import duckdb

from fairlead.kit.errors import InvalidArgument

from ...domain.reading.model import StoredColumn
from ...domain.reading.names import stable_names
from ..duck import literal, parquet_options, quoted

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_NUMBERS = {"FLOAT", "DOUBLE", "UBIGINT", "HUGEINT", "UHUGEINT"}
_INSTANTS = {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}
# Columns that pandas writes for itself.
_INDEX = "__index_level_"


def rewrite_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, target: Path
) -> tuple[tuple[StoredColumn, ...], int, tuple[str, ...]]:
    """Write the table with stored types and return its columns, rows and notes.

    Raises InvalidArgument for a file that is broken or has no rows.
    """
    source = f"read_parquet({literal(str(path))})"
    try:
        found = [
            (str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        ]
        kept = [(name, type) for name, type in found if not name.startswith(_INDEX)]
        names, notes = stable_names([name for name, _ in kept])
        typed = [_stored(quoted(name), type) for name, type in kept]
        fields = ", ".join(f"{sql} AS {quoted(name)}" for name, (sql, _) in zip(names, typed, strict=True))
        connection.execute(
            f"COPY (SELECT {fields} FROM {source}) TO {literal(str(target))} {parquet_options(len(kept))}"
        )
        counted = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(target))})").fetchone()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise InvalidArgument(
            f"the Parquet file can't be read ({str(error).splitlines()[0]}); is it whole? Write it again and upload"
        ) from error
    if not counted or not counted[0]:
        raise InvalidArgument("the Parquet file has no rows; upload a file with rows")
    if len(kept) < len(found):
        notes += (f"{len(found) - len(kept)} index columns of pandas were left out.",)
    changed = [f"{name} ({type})" for (name, type), (_, kind) in zip(kept, typed, strict=True) if kind == "NESTED"]
    if changed:
        notes += (f"Values of {', '.join(changed)} were kept as text.",)
    columns = tuple(
        StoredColumn(name, "VARCHAR" if kind == "NESTED" else kind)
        for name, (_, kind) in zip(names, typed, strict=True)
    )
    return columns, int(counted[0]), notes


def _stored(column: str, type: str) -> tuple[str, str]:
    """Return SQL that gives the column in its stored type, and that type (NESTED for values kept as text)."""
    if type in _INTEGERS:
        return f"{column}::BIGINT", "BIGINT"
    if type in _NUMBERS or type.startswith("DECIMAL"):
        return f"CASE WHEN isfinite({column}::DOUBLE) THEN {column}::DOUBLE END", "DOUBLE"
    if type == "BOOLEAN":
        return column, "BOOLEAN"
    if type in _INSTANTS:
        zoned = f"make_timestamp(epoch_us({column}))" if type.endswith("TIME ZONE") else f"{column}::TIMESTAMP"
        return f"CASE WHEN isfinite({column}) THEN {zoned} END", "TIMESTAMP"
    if type == "VARCHAR" or type.startswith("ENUM"):
        return f"{column}::VARCHAR", "VARCHAR"
    if type in {"TIME", "INTERVAL", "UUID", "BLOB"}:
        return f"{column}::VARCHAR", "NESTED"
    return f"to_json({column})::VARCHAR", "NESTED"
