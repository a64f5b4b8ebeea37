"""Reading every database as it was at one moment, while others write.

All schemas of one PostgreSQL are read in one repeatable-read transaction. A SQLite file in WAL mode is read in one
transaction; all of them begin within milliseconds, before the first row is read. A file in another mode (DBOS' own)
would hold up its writers for as long as it is read, so a copy of it is read, made in one step by SQLite itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlalchemy import URL, Connection, NullPool

from fairlead.admin.backup.settings import Database
from fairlead.kit.database import parse_url
from fairlead.kit.errors import FairleadError, Unavailable

BUSY_SECONDS = 30.0
# A dump takes as long as it takes; the kit's own limits are for services.
_PATIENT = "-cstatement_timeout=0 -cidle_in_transaction_session_timeout=0"


@dataclass(frozen=True)
class Snapshot:
    """A database at one moment: a connection inside the transaction, and the schema of its tables (None: the only one).

    `connection` is None where nobody has made the database yet.
    """

    database: Database
    connection: Connection | None
    schema: str | None = None


@contextmanager
def open_snapshots(databases: Sequence[Database]) -> Iterator[tuple[Snapshot, ...]]:
    """Give the databases as they are now, begun in the order given. Raises Unavailable where one can't be read."""
    with ExitStack() as opened:
        shared: dict[str, Connection] = {}
        drafts = Path(opened.enter_context(TemporaryDirectory(prefix="fairlead-backup-")))
        yield tuple(_open(database, opened, shared, drafts) for database in databases)


def _open(database: Database, opened: ExitStack, shared: dict[str, Connection], drafts: Path) -> Snapshot:
    url = parse_url(database.url)
    try:
        if url.get_backend_name() == "sqlite":
            return Snapshot(database, _open_sqlite(Path(url.database or ""), opened, drafts))
        return _open_postgresql(database, url, opened, shared)
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise _away(database, url, error) from error


def _open_sqlite(path: Path, opened: ExitStack, drafts: Path) -> Connection | None:
    if not path.exists():
        return None
    source = _connect(path)
    opened.callback(source.close)
    (mode,) = source.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        copy = sqlite3.connect(drafts / path.name, isolation_level=None, check_same_thread=False)
        opened.callback(copy.close)
        source.backup(copy)
        source = copy
    engine = sa.create_engine("sqlite://", creator=lambda: source, poolclass=sa.StaticPool)
    connection = opened.enter_context(engine.connect())
    connection.exec_driver_sql("BEGIN")
    # A transaction sees the state of its first read.
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchall()
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(
        f"file:{quoted}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _open_postgresql(database: Database, url: URL, opened: ExitStack, shared: dict[str, Connection]) -> Snapshot:
    place = url.set(query={}).render_as_string(hide_password=False)
    if place not in shared:
        shared[place] = opened.enter_context(_reading(url))
    connection = shared[place]
    schema = database.schema or _schema_of(url, connection)
    present = connection.scalar(sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema})
    return Snapshot(database, connection if present else None, schema)


def _reading(url: URL) -> Connection:
    options: Any = url.query.get("options", "")
    given = options if isinstance(options, str) else " ".join(options)
    engine = sa.create_engine(
        url, poolclass=NullPool, connect_args={"options": f"{given} {_PATIENT}".strip(), "connect_timeout": 10}
    )
    connection = engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    connection.execute(sa.text("SELECT 1"))
    return connection


def _schema_of(url: URL, connection: Connection) -> str:
    """Return the schema that a URL's own search path names, or else the connection's."""
    for option in str(url.query.get("options", "")).split():
        if "search_path=" in option:
            return option.split("=", 1)[1].split(",")[0].strip('"')
    return str(connection.scalar(sa.text("SELECT current_schema()")))


def _away(database: Database, url: URL, error: Exception) -> FairleadError:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return Unavailable(f"the database {database.name} ({url.render_as_string()}) can't be read: {reason}")
