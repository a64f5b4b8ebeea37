"""SQLite: a file that many processes of one machine share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event

from fairlead.kit.errors import FailedPrecondition

BUSY_TIMEOUT_MS = 10_000


class _SqliteConnection(Connection):
    """Tells a transaction that was asked for (`engine.begin()`, may write) from one that a first query began.

    Without SQLAlchemy's `_autobegin` hook every transaction would take the write lock: slower, never wrong.
    """

    begin_statement = "BEGIN IMMEDIATE"

    def _autobegin(self) -> None:
        self.begin_statement = "BEGIN"
        try:
            super()._autobegin()
        finally:
            self.begin_statement = "BEGIN IMMEDIATE"


def open_sqlite(url: URL) -> Engine:
    """Return an engine; the file's folder is made where it is missing. Raises FailedPrecondition where it can't be."""
    if not url.database or url.database == ":memory:":
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.StaticPool, hide_parameters=True)
    else:
        _make_folder(Path(url.database).absolute().parent)
        engine = sqlalchemy.create_engine(url, max_overflow=32, hide_parameters=True)
    engine._connection_cls = _SqliteConnection
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedPrecondition(
            f"the folder '{folder}' of the database can't be made ({error.strerror}); name another one"
        ) from error


def _prepare(connection: Any, _record: object) -> None:
    # Python's own BEGINs are late and leave out DDL; the "begin" listener below does it instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(getattr(connection, "begin_statement", "BEGIN IMMEDIATE"))
