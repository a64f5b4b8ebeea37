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

from fairlead.kit.errors import FailedPrecondition

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


def open_database(url: str, schema: str = "") -> Engine:
    """Return an engine for the database; a SQLite file's folder is made where it is missing.

    `schema` is where tables are on PostgreSQL, so that services may share a database; SQLite has no schemas.

    On SQLite, `engine.begin()` takes the write lock at once and waits up to 10 s for it, so reading and then
    writing inside it is safe from other processes; `engine.connect()` reads a snapshot and holds nobody up.
    Raises FailedPrecondition where the folder can't be made.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        search_path = {"options": f"-csearch_path={schema}"} if schema else {}
        return sqlalchemy.create_engine(parsed, pool_pre_ping=True, connect_args=search_path)
    if not parsed.database or parsed.database == ":memory:":
        engine = sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.StaticPool)
    else:
        _make_folder(Path(parsed.database).absolute().parent)
        engine = sqlalchemy.create_engine(parsed, max_overflow=32)
    engine._connection_cls = _SqliteConnection
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedPrecondition(
            f"the folder '{folder}' of the database can't be made ({error.strerror}); name another one"
        ) from error


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
    other, and all of it happens or none. Raises FailedPrecondition for a database that a newer version has made.
    """
    links = _links(version_folders)
    followed = {revision for earlier in links.values() for revision in earlier}
    if links.keys() - followed <= _recorded(engine):
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
        if unknown := _recorded_in(connection) - links.keys():
            raise FailedPrecondition(
                f"the database has the revisions {', '.join(sorted(unknown))}, which this version does not know; "
                "run the version that made them, or a newer one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other migration runs beside."""
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        # Altering a table on SQLite copies and drops it, which must not delete the rows that refer to it;
        # the switch has no effect inside a transaction.
        if sqlite:
            _driver(connection).execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                yield connection
        finally:
            if sqlite:
                _driver(connection).execute("PRAGMA foreign_keys=ON")


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _recorded(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return _recorded_in(connection)


def _recorded_in(connection: Connection) -> set[str]:
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _links(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The revisions, each with those it follows, read without running the files."""
    links: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            constants = _constants(path)
            if "revision" in constants:
                follows = constants.get("down_revision") or ()
                links[constants["revision"]] = [follows] if isinstance(follows, str) else list(follows)
    return links


def _constants(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"} and isinstance(value, ast.expr):
            found[target.id] = ast.literal_eval(value)
    return found
