"""Writing a backup's rows into a database whose tables are there and empty."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, NullPool

from fairlead.admin.backup.columns import Convert, converter
from fairlead.admin.backup.counters import write_counters
from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.files import read_lines
from fairlead.admin.backup.manifest import DatabaseDump, TableDump
from fairlead.admin.backup.migrations import make_tables
from fairlead.admin.backup.positions import Finish
from fairlead.admin.backup.settings import Database
from fairlead.admin.backup.tables import reflect
from fairlead.admin.backup.values import decode_row
from fairlead.kit.database import open_database, parse_url
from fairlead.kit.errors import FailedPrecondition

ROWS_AT_A_TIME = 500

Row = dict[str, Any]
# Given a table's name and a row, changes the row.
Edit = Callable[[str, Row], None]


def keep(_table: str, _row: Row) -> None:
    """Change nothing."""


def restore_database(database: Database, dump: DatabaseDump, root: Path, edit: Edit, finish: Finish) -> None:
    """Make a database's tables, write all rows in one transaction, and bring it to the newest revisions.

    What the tables hold is replaced. Raises Damaged where the rows are not as many as they were, FailedPrecondition
    where the tables lack something.
    """
    same_numbers = database.maker != "dbos" or dump.dialect == parse_url(database.url).get_backend_name()
    # DBOS counts its migrations by kind of database.
    newest = make_tables(database, dump.revisions if same_numbers else ())
    engine = _engine(database)
    try:
        with engine.begin() as connection:
            tables = reflect(connection, None)
            _load_tables(connection, tables, dump, root, edit)
            write_counters(connection, tables, dump.counters)
            _check_references(connection)
        if not newest:
            make_tables(database, ())
        with engine.begin() as connection:
            finish(connection, reflect(connection, None))
    finally:
        engine.dispose()


def _engine(database: Database) -> Engine:
    url = parse_url(database.url)
    if url.get_backend_name() != "sqlite":
        return open_database(database.url, database.schema)
    # Not as services open it: that would change how DBOS' file is written.
    engine = sa.create_engine(url, poolclass=NullPool)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # All references are checked at the end instead.
        connection.execute("PRAGMA foreign_keys=OFF")

    return engine


def _load_tables(
    connection: Connection, tables: Sequence[sa.Table], dump: DatabaseDump, root: Path, edit: Edit
) -> None:
    for table in reversed(tables):
        # Migrations make rows of their own, such as a default experiment; the dump has them as they were.
        connection.execute(sa.delete(table))
    wanted = _by_table(dump, tables)
    for table in tables:
        if table.name in wanted:
            _load_table(connection, table, wanted[table.name], root, edit)


def _by_table(dump: DatabaseDump, tables: Sequence[sa.Table]) -> Mapping[str, TableDump]:
    wanted = {table.name: table for table in dump.tables}
    if absent := [name for name in wanted.keys() - {table.name for table in tables} if wanted[name].rows]:
        raise FailedPrecondition(
            f"the backup has rows of {dump.name}'s tables {', '.join(sorted(absent))}, which are not made here; "
            "restore with the Fairlead that made the backup"
        )
    return wanted


def _load_table(connection: Connection, table: sa.Table, dump: TableDump, root: Path, edit: Edit) -> None:
    columns = {column.name: converter(column, connection.dialect.name) for column in table.columns}
    rows = _rows(root / dump.file, dump, columns, edit)
    count = 0
    insert = sa.insert(table)
    while batch := list(itertools.islice(rows, ROWS_AT_A_TIME)):
        connection.execute(insert, batch)
        count += len(batch)
    if count != dump.rows:
        raise Damaged(f"{dump.file} holds {count:,} rows and had {dump.rows:,}")


def _rows(path: Path, dump: TableDump, columns: Mapping[str, Convert], edit: Edit) -> Iterator[Row]:
    for line in read_lines(path):
        values = decode_row(line)
        if len(values) != len(dump.columns):
            raise Damaged(f"{dump.file} holds a row of {len(values)} values for {len(dump.columns)} columns")
        row: Row = {}
        for name, value in zip(dump.columns, values, strict=True):
            if name in columns:
                row[name] = columns[name](value)
            elif value is not None:
                raise FailedPrecondition(
                    f"the column {dump.name}.{name} of the backup is not made here; "
                    "restore with the Fairlead that made the backup"
                )
        edit(dump.name, row)
        yield row


def _check_references(connection: Connection) -> None:
    """PostgreSQL has checked each row; SQLite is asked now. Raises Damaged."""
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise Damaged(f"{len(broken):,} rows refer to rows that the backup lacks, such as one of {broken[0][0]}")
