"""A lock on a database that holds off other processes while libraries change it in their own transactions."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from fairlead.kit.database.opening import open_database
from fairlead.kit.database.urls import parse_url
from fairlead.kit.errors import PermissionDenied

# Any fixed number, other than those of migrations and of writers that must be alone.
_EXCLUSIVE = 7_400_003
_POLL_SECONDS = 0.2
_NOT_PRIVILEGED = "42501"


@contextmanager
def exclusive(url: str, name: str) -> Iterator[None]:
    """Wait until nobody else has the lock of this name on the database, and have it meanwhile.

    On PostgreSQL the schema of the URL's search path is made where it is missing. On SQLite the lock is a file beside
    the database, which works on one machine, as SQLite does. It ends with the process that has it. Not re-entrant.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        with _file_lock(Path(parsed.database or "memory").with_suffix(f".{name}.lock")):
            yield
        return
    engine = open_database(url, connections=1)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            schema = search_path(connection)
            # Asked for again and again: CREATE INDEX CONCURRENTLY, which DBOS' migrations use, waits for all statements
            # that are under way, one that waits for this lock among them, and so for ever where it has the lock.
            lock = text("SELECT pg_try_advisory_lock(:key, hashtext(:name))")
            while not connection.scalar(lock, {"key": _EXCLUSIVE, "name": f"{schema}/{name}"}):
                time.sleep(_POLL_SECONDS)
            make_schema(connection, schema)
            yield
    finally:
        # The server ends the lock with the connection.
        engine.dispose()


def search_path(connection: Connection) -> str:
    """Return the schema that the connection's tables are in, or are to be in once it is made."""
    path: str = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
    current: str | None = connection.scalar(text("SELECT current_schema()"))
    return current or path.split(",")[0].strip().strip('"')


def make_schema(connection: Connection, schema: str) -> None:
    """Make the schema where none of the connection's search path is there; callers hold off each other.

    Raises PermissionDenied where the role may not.
    """
    # Only where it is missing: to ask for it needs a right that a role may lack where the schema was made for it.
    if connection.scalar(text("SELECT current_schema()")) is not None:
        return
    quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
    try:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {quoted}"))
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != _NOT_PRIVILEGED:
            raise
        url = connection.engine.url
        raise PermissionDenied(
            f"the role '{url.username}' may not make the schema '{schema}'; GRANT CREATE ON DATABASE {url.database} TO "
            f"{url.username}, or have someone CREATE SCHEMA {schema} AUTHORIZATION {url.username}"
        ) from error


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
