"""Gives raw text columns their types: asks DuckDB which kind every cell fits, then writes typed Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ...domain.reading.kinds import TEXT, Kind, plausible_kinds
from ...domain.reading.missing import CODE_LENGTH, TEXT_TOKENS, VALUE_TOKENS
from ..duck import literal

# Distinct values of a column that are looked at to find its plausible kinds.
_SAMPLE = 200
# Columns asked about in one query.
_BATCH = 40


@dataclass(frozen=True)
class TypedColumn:
    """A raw column with the kind every cell fits and what was seen on the way."""

    source: str
    name: str
    kind: Kind
    # Cells with a missing token beside empty ones, and the tokens.
    tokens: tuple[str, ...]
    token_count: int
    missing: int
    trimmed: int
    # For a text column that nearly had another kind: that kind, how many cells did not fit and one of them.
    near: Kind | None = None
    misfits: int = 0
    example: str = ""
    ignored_tokens: tuple[str, ...] = ()


def type_columns(
    connection: duckdb.DuckDBPyConnection, raw: Path, names: Sequence[str], decimal: str
) -> list[TypedColumn]:
    """Return each raw column c0, c1, ... with its kind."""
    table = f"read_parquet({literal(str(raw))})"
    typed: list[TypedColumn] = []
    for start in range(0, len(names), _BATCH):
        batch = range(start, min(start + _BATCH, len(names)))
        candidates = {i: plausible_kinds(_sample(connection, table, f"c{i}"), decimal=decimal) for i in batch}
        expressions = [expression for i in batch for expression in _evidence(f"c{i}", candidates[i])]
        row = connection.execute(f"SELECT {', '.join(expressions)} FROM {table}").fetchone() or ()
        position = 0
        for i in batch:
            width = len(_evidence(f"c{i}", candidates[i]))
            typed.append(_typed(f"c{i}", names[i], candidates[i], row[position : position + width]))
            position += width
    return typed


def cast(kind: Kind, text: str) -> str:
    """Return SQL that gives the value of a text expression, or NULL where it does not fit the kind."""
    if kind.name == "integer":
        return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN try_cast({text} AS BIGINT) END"
    if kind.name == "number":
        return f"CASE WHEN isfinite(try_cast({text} AS DOUBLE)) THEN try_cast({text} AS DOUBLE) END"
    if kind.name == "decimal_comma":
        return f"CASE WHEN NOT contains({text}, '.') THEN try_cast(replace({text}, ',', '.') AS DOUBLE) END"
    if kind.name == "grouped":
        grouped = r"[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?"
        return f"CASE WHEN regexp_full_match({text}, '{grouped}') THEN try_cast(replace({text}, ',', '') AS DOUBLE) END"
    if kind.name == "boolean":
        return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    if kind.name == "iso":
        return f"CASE WHEN contains({text}, '-') THEN make_timestamp(epoch_us(try_cast({text} AS TIMESTAMP))) END"
    if kind.format:
        return f"try_strptime({text}, '{kind.format}')"
    return text


def typed_expression(column: TypedColumn) -> str:
    """Return SQL that gives the typed value of a raw column."""
    text = f"trim({column.source})"
    tokens = column.tokens if column.kind is TEXT else (*TEXT_TOKENS, *VALUE_TOKENS)
    value = cast(column.kind, text)
    absent = f"{text} IN ({', '.join(literal(token) for token in ('', *tokens))})"
    return f"CASE WHEN {absent} THEN NULL ELSE {value} END"


def _sample(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[str]:
    skipped = ", ".join(literal(token) for token in ("", *TEXT_TOKENS, *VALUE_TOKENS))
    rows = connection.execute(
        f"SELECT DISTINCT v FROM (SELECT trim({column}) AS v FROM {table} "
        f"WHERE {column} IS NOT NULL AND trim({column}) NOT IN ({skipped}) LIMIT 2000) LIMIT {_SAMPLE}"
    ).fetchall()
    return [row[0] for row in rows]


def _evidence(column: str, kinds: Sequence[Kind]) -> list[str]:
    text = f"trim({column})"
    tokens = ", ".join(literal(token) for token in TEXT_TOKENS)
    others = ", ".join(literal(token) for token in VALUE_TOKENS)
    empty = f"({column} IS NULL OR {text} = '')"
    present = f"NOT {empty} AND {text} NOT IN ({tokens})"
    expressions = [
        f"count_if({empty})",
        f"count_if({text} IN ({tokens}))",
        f"list(DISTINCT {text}) FILTER ({text} IN ({tokens}))",
        f"count_if({text} <> {column})",
        f"bool_and(regexp_full_match({text}, '[A-Z]{{{CODE_LENGTH}}}')) FILTER ({present})",
        f"count_if({text} IN ({others}))",
        f"list(DISTINCT {text}) FILTER ({text} IN ({others}))",
    ]
    for kind in kinds:
        if kind is not TEXT:
            misfit = f"{present} AND {text} NOT IN ({others}) AND ({cast(kind, text)}) IS NULL"
            expressions += [f"count_if({misfit})", f"min({text}) FILTER ({misfit})"]
    return expressions


def _typed(source: str, name: str, kinds: Sequence[Kind], row: Sequence[object]) -> TypedColumn:
    empty, token_count, tokens, trimmed, codes, other_count, others = row[:7]
    found = tuple(sorted(tokens)) if isinstance(tokens, list) else ()
    extra = tuple(sorted(others)) if isinstance(others, list) else ()
    missing = _integer(empty)
    misfits = [(kind, _integer(row[7 + 2 * i]), str(row[8 + 2 * i] or "")) for i, kind in enumerate(kinds[:-1])]
    for kind, count, _ in misfits:
        if count == 0:
            seen = _integer(token_count) + _integer(other_count)
            return TypedColumn(source, name, kind, found + extra, seen, missing + seen, _integer(trimmed))
    kept = tuple(token for token in found if not (codes and token == "NA"))
    counted = _integer(token_count) if kept else 0
    near = min(misfits, key=lambda misfit: misfit[1], default=(None, 0, ""))
    return TypedColumn(
        source, name, TEXT, kept, counted, missing + counted, _integer(trimmed), near[0], near[1], near[2]
    )  # fmt: skip


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0
