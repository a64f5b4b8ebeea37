"""Writes typed columns into the Parquet file that a dataset version is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from fairlead.kit.errors import InvalidArgument

from ...domain.reading.kinds import TEXT
from ...domain.reading.model import Reporter, StoredColumn
from ..duck import literal, parquet_options, quoted
from .typing import TypedColumn, typed_expression


def write_typed(
    connection: duckdb.DuckDBPyConnection, raw: Path, columns: Sequence[TypedColumn], rows: int, target: Path
) -> tuple[tuple[StoredColumn, ...], int, tuple[str, ...]]:
    """Write the columns in their types and return them, the rows written and notes on what was left out.

    Wholly empty columns without a name and wholly empty rows are left out; nothing else is.
    Raises InvalidArgument where nothing is left.
    """
    kept = [column for column in columns if not (column.missing == rows and _is_unnamed(column))]
    dropped = [column.name for column in columns if column not in kept]
    if not kept:
        raise InvalidArgument("every cell of the table is empty; upload a file with values")
    table = f"read_parquet({literal(str(raw))})"
    filled = " OR ".join(f"nullif(trim({column.source}), '') IS NOT NULL" for column in kept)
    fields = ", ".join(f"{typed_expression(column)} AS {quoted(column.name)}" for column in kept)
    rows_of_values = f"SELECT {fields} FROM {table} WHERE {filled}"
    connection.execute(f"COPY ({rows_of_values}) TO {literal(str(target))} {parquet_options(len(kept))}")
    counted = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(target))})").fetchone()
    written = int(counted[0]) if counted else 0
    if not written:
        raise InvalidArgument("the file has a header but every row is empty; upload a file with values")
    notes = []
    if dropped:
        notes.append(f"{len(dropped)} wholly empty columns without a name were left out: {', '.join(dropped)}.")
    if written < rows:
        notes.append(f"{rows - written:,} wholly empty rows were left out.")
    return tuple(StoredColumn(column.name, column.kind.type) for column in kept), written, tuple(notes)


def describe(columns: Sequence[TypedColumn], reporter: Reporter) -> tuple[str, ...]:
    """Log and return what was changed in cells, one sentence each."""
    notes = []
    for column in columns:
        if column.token_count:
            tokens = ", ".join(f"'{token}'" for token in column.tokens)
            notes.append(f"{column.token_count:,} cells of '{column.name}' written {tokens} were read as missing.")
        elif column.kind is not TEXT and column.trimmed and column.missing:
            notes.append(f"'{column.name}' was read as {column.kind.type}: blank cells are missing.")
        if column.kind.note:
            notes.append(f"In '{column.name}' {column.kind.note}.")
        if column.ambiguous is not None:
            notes.append(
                f"The dates of '{column.name}' would fit {column.ambiguous.format} as well; check day and month."
            )
        if column.near is not None and column.misfits:
            notes.append(
                f"'{column.name}' stays text: {column.misfits:,} cells, such as '{column.example[:40]}', "
                f"are no {column.near.type} value."
            )
    trimmed = [column for column in columns if column.trimmed]
    if trimmed:
        cells = sum(column.trimmed for column in trimmed)
        notes.append(f"Spaces around {cells:,} cells of {len(trimmed)} columns were trimmed.")
    for note in notes:
        reporter.log("import.types", note)
    return tuple(notes)


def _is_unnamed(column: TypedColumn) -> bool:
    return column.name == f"column_{int(column.source[1:]) + 1}"
