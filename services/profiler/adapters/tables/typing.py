"""Gives raw text columns their types: asks DuckDB which kind every cell of a column fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fairlead.kit.missing_words import CODE, TEXT_TOKENS, VALUE_TOKENS, tokens_for_text

from ...domain.reading.kinds import TEXT, Kind, plausible_kinds
from ..duck import literal

# Distinct values of a column that are looked at to find its plausible kinds, out of so many cells.
_SAMPLE, _SAMPLED_CELLS = 200, 2000
_ALL_TOKENS = (*TEXT_TOKENS, *VALUE_TOKENS)


@dataclass(frozen=True)
class TypedColumn:
    """A raw column with the kind every cell fits and what was seen on the way."""

    source: str
    name: str
    kind: Kind
    # Missing tokens that occur beside empty cells, and how many cells have one.
    tokens: tuple[str, ...]
    token_count: int
    # Cells without a value: empty ones and tokens.
    missing: int
    # Cells with spaces around them.
    trimmed: int
    # For a text column that nearly had another kind: that kind, how many cells did not fit and one of them.
    near: Kind | None = None
    misfits: int = 0
    example: str = ""
    # Another kind that every cell fits as well, as day and month may change places.
    ambiguous: Kind | None = None


def type_columns(
    connection: duckdb.DuckDBPyConnection, raw: Path, names: Sequence[str], decimal: str
) -> list[TypedColumn]:
    """Return each raw column c0, c1, ... with its kind, reading one column at a time."""
    table = f"read_parquet({literal(str(raw))})"
    return [_typed(connection, table, f"c{i}", name, decimal) for i, name in enumerate(names)]


def typed_expression(column: TypedColumn) -> str:
    """Return SQL that gives the typed value of a raw column; cells that are missing tokens give NULL."""
    text = f"trim({column.source})"
    if column.kind is not TEXT:
        # Every cell but the tokens fits, and no token can be cast.
        return _cast(column.kind, text)
    absent = f"{text} IN ({', '.join(literal(token) for token in ('', *column.tokens))})"
    return f"CASE WHEN {absent} THEN NULL ELSE {text} END"


def _cast(kind: Kind, text: str) -> str:
    """Return SQL that gives the value of a trimmed text, or NULL where it does not fit the kind."""
    if kind.name == "integer":
        # Written back it must be the same text, or it was 007, 1e3 or 12.7.
        return f"CASE WHEN try_cast({text} AS BIGINT)::VARCHAR = ltrim({text}, '+') THEN try_cast({text} AS BIGINT) END"
    if kind.name == "number":
        return f"CASE WHEN isfinite(try_cast({text} AS DOUBLE)) THEN try_cast({text} AS DOUBLE) END"
    if kind.name == "decimal_comma":
        number = f"try_cast(replace({text}, ',', '.') AS DOUBLE)"
        return f"CASE WHEN NOT contains({text}, '.') AND isfinite({number}) THEN {number} END"
    if kind.name == "grouped":
        grouped = r"[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?"
        return f"CASE WHEN regexp_full_match({text}, '{grouped}') THEN try_cast(replace({text}, ',', '') AS DOUBLE) END"
    if kind.name == "boolean":
        return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    if kind.name == "iso":
        return f"CASE WHEN contains({text}, '-') THEN try_cast({text} AS TIMESTAMP) END"
    return f"try_strptime({text}, '{kind.format}')"


def _typed(connection: duckdb.DuckDBPyConnection, table: str, column: str, name: str, decimal: str) -> TypedColumn:
    kinds = plausible_kinds(_sample(connection, table, column), decimal=decimal)[:-1]
    text = f"trim({column})"
    counted = [f"count({_cast(kind, text)})" for kind in kinds]
    asked = [f"count(*) FILTER ({text} <> '')", "count(*)", f"count(*) FILTER ({text} <> {column})", *counted]
    row = connection.execute(f"SELECT {', '.join(asked)} FROM {table}").fetchone()
    assert row is not None
    filled, rows, trimmed = int(row[0]), int(row[1]), int(row[2])
    near: tuple[Kind | None, int, str] = (None, 0, "")
    for i, (kind, fitting) in enumerate(zip(kinds, row[3:], strict=True)):
        misfits = _misfits(connection, table, column, kind) if fitting < filled else {}
        if misfits.keys() <= set(_ALL_TOKENS):
            seen = sum(misfits.values())
            other = next(
                (k for k, n in zip(kinds[i + 1 :], row[4 + i :], strict=True) if k.format and n == fitting), None
            )
            ambiguous = other if kind.format else None
            return TypedColumn(
                column, name, kind, tuple(sorted(misfits)), seen, rows - filled + seen, trimmed, ambiguous=ambiguous
            )
        wrong = {value: count for value, count in misfits.items() if value not in _ALL_TOKENS}
        if near[0] is None:
            near = (kind, filled - int(fitting), min(wrong))
    tokens = _text_tokens(connection, table, column)
    seen = sum(tokens.values())
    return TypedColumn(
        column, name, TEXT, tuple(sorted(tokens)), seen, rows - filled + seen, trimmed, near[0], near[1], near[2]
    )


def _sample(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[str]:
    skipped = ", ".join(literal(token) for token in ("", *_ALL_TOKENS))
    rows = connection.execute(
        f"SELECT DISTINCT v FROM (SELECT trim({column}) AS v FROM {table} "
        f"WHERE trim({column}) NOT IN ({skipped}) LIMIT {_SAMPLED_CELLS}) LIMIT {_SAMPLE}"
    ).fetchall()
    return [row[0] for row in rows]


def _misfits(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: Kind) -> dict[str, int]:
    """Return texts that don't fit the kind, with their cells: all of them, where they are tokens only."""
    text = f"trim({column})"
    rows = connection.execute(
        f"SELECT {text}, count(*) FROM {table} WHERE {text} <> '' AND ({_cast(kind, text)}) IS NULL "
        f"GROUP BY 1 ORDER BY 1 LIMIT {len(_ALL_TOKENS) + 1}"
    ).fetchall()
    return {row[0]: int(row[1]) for row in rows}


def _text_tokens(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> dict[str, int]:
    text = f"trim({column})"
    tokens = ", ".join(literal(token) for token in TEXT_TOKENS)
    found = connection.execute(f"SELECT {text}, count(*) FROM {table} WHERE {text} IN ({tokens}) GROUP BY 1").fetchall()
    codes = False
    if any(token == "NA" for token, _ in found):
        row = connection.execute(
            f"SELECT bool_and(regexp_full_match({text}, '{CODE}')) FROM {table} WHERE {text} <> ''"
        ).fetchone()
        codes = bool(row and row[0])
    return {token: int(count) for token, count in found if token in tokens_for_text(codes)}
