"""Profiles a stored dataset version: DuckDB for what concerns whole rows, one column at a time for the rest."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.profiling.associations import SampledColumn, associations
from ...domain.profiling.model import ColumnProfile, Level, Numbers, Semantic, TableProfile, Target, TaskKind
from ...domain.profiling.targets import class_levels, guess_target, parse_condition, task_kind
from ...domain.reading.model import Reporter
from ..duck import DuckLimits, connect, literal, memory_explained, quoted
from .columns import ReadColumn, read_columns

# Tables with more rows are described from about this many of them.
MOST_ROWS = 1_000_000
_HEAD = 3
_NEVER_ASSOCIATED = {Semantic.IDENTIFIER, Semantic.CONSTANT, Semantic.TEXT}


def profile_table(
    path: Path, scratch: Path, reporter: Reporter, *, target: Target | None = None, limits: DuckLimits | None = None,
    most_rows: int = MOST_ROWS,
) -> TableProfile:  # fmt: skip
    """Return the profile of a stored dataset version, for the target or, without one, for the guessed target.

    Over most_rows rows, distributions are estimated from a random sample; rows and missing values are always counted.
    Raises InvalidArgument for a target that is no column, or can't be one.
    """
    bounds = limits or DuckLimits()
    with (
        memory_explained(bounds),
        tempfile.TemporaryDirectory(dir=scratch, prefix="profile-") as folder,
        connect(bounds, Path(folder)) as connection,
    ):
        reporter.progress(0.05, "rows")
        rows, missing = _counted(connection, path)
        duplicates = _duplicates(connection, path, rows)
        reporter.log("profile.rows", f"{rows:,} rows, {duplicates:,} of them duplicates of earlier ones.", rows=rows)
        reporter.progress(0.2, "columns")
        source = path
        if rows > most_rows:
            source = Path(folder) / "sample.parquet"
            _draw(connection, path, source, most_rows / rows)
        read = list(read_columns(source))
        sampled = read[0].profile.rows if read and source != path else 0
        columns = tuple(_scaled(item.profile, missing[item.profile.name], rows, sampled) for item in read)
        head = _head(connection, path, columns)
        reporter.log(
            "profile.columns", f"Described {len(columns)} columns: {_by_semantic(columns)}.", columns=len(columns)
        )
        reporter.progress(0.6, "associations")
        samples = {i.profile.name: i.sample for i in read if i.profile.semantic not in _NEVER_ASSOCIATED}
        pairs = associations(samples)
        table = TableProfile(rows, duplicates, columns, pairs, head, sampled_rows=sampled)
        reporter.progress(0.75, "target")
        return _with_target(connection, path, table, target, read)


def _counted(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[int, dict[str, int]]:
    names = _names(connection, path)
    counts = ", ".join(f"count({quoted(name)})" for name in names)
    row = connection.execute(f"SELECT count(*), {counts} FROM read_parquet({literal(str(path))})").fetchone()
    assert row is not None
    return int(row[0]), {name: int(row[0]) - int(count) for name, count in zip(names, row[1:], strict=True)}


def _names(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    return [
        str(row[0])
        for row in connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
    ]


def _duplicates(connection: duckdb.DuckDBPyConnection, path: Path, rows: int) -> int:
    """Count the rows that equal an earlier one, by a 64-bit hash of the row."""
    fields = ", ".join(quoted(name) for name in _names(connection, path))
    row = connection.execute(
        f"SELECT count(DISTINCT hash({fields})) FROM read_parquet({literal(str(path))})"
    ).fetchone()
    return rows - int(row[0]) if row else 0


def _draw(connection: duckdb.DuckDBPyConnection, path: Path, target: Path, share: float) -> None:
    connection.execute(
        f"COPY (SELECT * FROM read_parquet({literal(str(path))}) USING SAMPLE {100 * share:.6f} PERCENT "
        f"(bernoulli, 0)) TO {literal(str(target))} (FORMAT parquet)"
    )


def _scaled(column: ColumnProfile, missing: int, rows: int, sampled: int) -> ColumnProfile:
    """Return a sampled column's counts as estimates for the whole table; unsampled ones as they are."""
    if not sampled:
        return column
    factor = (rows - missing) / max(column.count, 1)
    levels = tuple(Level(level.value, round(level.count * factor)) for level in column.levels)
    numbers = column.numbers
    if numbers is not None:
        numbers = _scaled_numbers(numbers, factor)
    return replace(
        column, count=rows - missing, missing=missing, levels=levels, numbers=numbers,
        estimated=column.semantic is not Semantic.CONSTANT,
    )  # fmt: skip


def _scaled_numbers(numbers: Numbers, factor: float) -> Numbers:
    return replace(
        numbers, outliers=round(numbers.outliers * factor), zeros=round(numbers.zeros * factor),
        negatives=round(numbers.negatives * factor),
        histogram=tuple(replace(b, count=round(b.count * factor)) for b in numbers.histogram),
    )  # fmt: skip


def _head(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: tuple[ColumnProfile, ...]
) -> dict[str, tuple[str, ...]]:
    fields = ", ".join(f"coalesce({quoted(column.name)}::VARCHAR, '')[1:40]" for column in columns)
    rows = connection.execute(f"SELECT {fields} FROM read_parquet({literal(str(path))}) LIMIT {_HEAD}").fetchall()
    return {column.name: tuple(str(row[i]) for row in rows) for i, column in enumerate(columns)}


def _by_semantic(columns: tuple[ColumnProfile, ...]) -> str:
    counts = {kind: sum(column.semantic is kind for column in columns) for kind in Semantic}
    return ", ".join(f"{count} {kind.value.lower()}" for kind, count in counts.items() if count)


def _with_target(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    table: TableProfile,
    target: Target | None,
    read: list[ReadColumn],
) -> TableProfile:
    guess = guess_target(table.columns, table.associations)
    if target is None and guess is not None:
        target = Target(guess.column)
    if target is None:
        return replace(table, guess=guess)
    try:
        column = table.column(target.column)
    except KeyError as error:
        raise InvalidArgument(
            f"there is no column '{target.column}'; the columns are {', '.join(c.name for c in table.columns[:30])}",
            violations=[FieldViolation("target.column", "must be a column of the dataset")],
        ) from error
    kind = task_kind(column, target.condition)
    true_count = _true_count(connection, path, target, column) if target.condition else None
    samples = {item.profile.name: item.sample for item in read}
    by_level = _target_by_level(table, samples, column, kind, target)
    return replace(
        table, guess=guess, target=target, task=kind, classes=class_levels(target, column, true_count),
        target_by_level=by_level,
    )  # fmt: skip


def _true_count(connection: duckdb.DuckDBPyConnection, path: Path, target: Target, column: ColumnProfile) -> int:
    operator, operand = parse_condition(target.condition)
    name = quoted(target.column)
    compared = f"{name} {operator} {literal(operand)}"
    if column.numbers is not None:
        try:
            compared = f"{name} {operator} {float(operand)!r}"
        except ValueError as error:
            raise InvalidArgument(
                f"'{target.column}' is a number, but the condition compares it with '{operand}'"
            ) from error
    row = connection.execute(f"SELECT count(*) FILTER ({compared}) FROM read_parquet({literal(str(path))})").fetchone()
    count = int(row[0]) if row else 0
    if count in (0, column.count):
        raise InvalidArgument(
            f"the condition '{target.condition}' holds for {count:,} of {column.count:,} rows of '{target.column}', "
            "so there is only one class; choose another value"
        )
    return count


def _target_by_level(
    table: TableProfile, samples: dict[str, SampledColumn], column: ColumnProfile, kind: TaskKind, target: Target
) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return, by text column, the target's mean (or its rarest class's share) for the most frequent levels."""
    truth = samples[column.name]
    if kind is TaskKind.REGRESSION and truth.values is not None:
        outcome: NDArray[np.float64] = truth.values
    else:
        known = truth.codes[truth.codes > 0]
        if target.condition or not known.size:
            return {}
        rarest = 1 + int(np.argmin(np.bincount(known, minlength=truth.levels + 1)[1:]))
        outcome = np.where(truth.codes > 0, (truth.codes == rarest).astype(np.float64), np.nan)
    present = ~np.isnan(outcome)
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    for other in table.columns:
        if other.is_category and other.name != column.name:
            codes = samples[other.name].codes[present]
            counts = np.bincount(codes, minlength=4)
            sums = np.bincount(codes, weights=outcome[present], minlength=4)
            found[other.name] = tuple(
                (level.value, float(sums[i] / counts[i])) for i, level in enumerate(other.levels[:3], 1) if counts[i]
            )
    return found
