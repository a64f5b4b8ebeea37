"""Opening a database and bringing its tables up to date; SQLite on one machine, PostgreSQL in a cluster."""

from __future__ import annotations

import ast
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, DateTime, Dialect, Engine, TypeDecorator, event, make_url, text

BUSY_TIMEOUT_MS = 10_000
# Any fixed number: PostgreSQL processes that migrate the same database wait for each other on it.
_MIGRATION_LOCK = 7_400_001
_ENVIRONMENT = Path(__file__).parent / "migrations"
# Alembic's `context` is one per process, so threads migrate one after another.
_ONE_MIGRATION = threading.Lock()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, aware, in UTC; SQLite, which keeps no zone, gives it back aware too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC, naive where the database keeps no zone."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


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


def open_database(url: str) -> Engine:
    """Return an engine for the database; a SQLite file's folder is made where it is missing.

    On SQLite, `engine.begin()` takes the write lock at once and waits up to 10 s for it, so reading and then
    writing inside it is safe from other processes; `engine.connect()` reads a snapshot and holds nobody up.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(parsed, pool_pre_ping=True)
    if not parsed.database or parsed.database == ":memory:":
        engine = sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.StaticPool)
    else:
        Path(parsed.database).absolute().parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(parsed, max_overflow=32)
    engine._connection_cls = _SqliteConnection
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Python's own BEGINs are late and leave out DDL; the "begin" listener below does it instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(getattr(connection, "begin_statement", "BEGIN IMMEDIATE"))


def migrate(engine: Engine, *version_folders: Path) -> None:
    """Bring the database to the newest revision of every folder; do nothing where it is there already.

    A folder holds Alembic revision files. Processes that migrate the same database at the same time wait for each
    other; on SQLite all of it happens or none. Raises alembic.util.CommandError for a broken chain of revisions.
    """
    if _heads(version_folders) <= _recorded(engine):
        return
    # Alembic costs a third of a second to import: only where there is something to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, version_folders)).replace("%", "%%"))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with _ONE_MIGRATION, _exclusive(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other migration runs beside."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        yield connection


def _recorded(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        if not sqlalchemy.inspect(connection).has_table("alembic_version"):
            return set()
        return set(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _heads(folders: Sequence[Path]) -> set[str]:
    """The revisions that no other revision follows, read without running the files."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for folder in folders:
        for path in folder.glob("*.py"):
            for name, value in _constants(path).items():
                if name == "revision":
                    revisions.add(value)
                elif name == "down_revision" and value is not None:
                    followed.update([value] if isinstance(value, str) else value)
    return revisions - followed


def _constants(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"} and isinstance(value, ast.expr):
            found[target.id] = ast.literal_eval(value)
    return found
