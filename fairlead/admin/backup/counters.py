"""The counters that give rows their numbers: a number that was given once is not given again after a restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection


def read_counters(connection: Connection, tables: Sequence[sa.Table]) -> dict[str, int]:
    """Return the last number given by "table.column"."""
    if connection.dialect.name == "sqlite":
        return _read_sqlite(connection, tables)
    found: dict[str, int] = {}
    for column in _counted(tables):
        if (sequence := _sequence(connection, column)) is None:
            continue
        last, given = connection.execute(sa.text(f"SELECT last_value, is_called FROM {sequence}")).one()
        if given:
            found[f"{column.table.name}.{column.name}"] = int(last)
    return found


def write_counters(connection: Connection, tables: Sequence[sa.Table], counters: Mapping[str, int]) -> None:
    """Let each counter go on behind what it gave before and behind the largest number there is."""
    for column in _counted(tables):
        name = f"{column.table.name}.{column.name}"
        largest = connection.scalar(sa.select(sa.func.max(column))) or 0
        last = max(int(largest), counters.get(name, 0))
        if last < 1:
            continue
        if connection.dialect.name == "sqlite":
            _write_sqlite(connection, column.table.name, last)
        elif (sequence := _sequence(connection, column)) is not None:
            connection.execute(
                sa.text("SELECT setval(cast(:name AS regclass), :last)"), {"name": sequence, "last": last}
            )


def _counted(tables: Sequence[sa.Table]) -> list[sa.Column[int]]:
    """Return the columns that may have a counter: single integer keys."""
    keys = [list(table.primary_key.columns) for table in tables]
    return [key[0] for key in keys if len(key) == 1 and isinstance(key[0].type, sa.Integer)]


def _sequence(connection: Connection, column: sa.Column[int]) -> str | None:
    quote = connection.dialect.identifier_preparer.format_table
    name: str | None = connection.scalar(
        sa.text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": quote(column.table), "column": column.name}
    )
    return name


def _has_autoincrement(connection: Connection) -> bool:
    return connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").first() is not None


def _read_sqlite(connection: Connection, tables: Sequence[sa.Table]) -> dict[str, int]:
    if not _has_autoincrement(connection):
        return {}
    last = {str(row[0]): int(row[1]) for row in connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")}
    return {f"{c.table.name}.{c.name}": last[c.table.name] for c in _counted(tables) if c.table.name in last}


def _write_sqlite(connection: Connection, table: str, last: int) -> None:
    made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).scalar() or ""
    if "AUTOINCREMENT" not in made.upper():
        return
    changed = connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table)).rowcount
    if changed == 0:
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
