"""Opening a database by its URL."""

from __future__ import annotations

from sqlalchemy import Engine

from fairlead.kit.database.postgresql import open_postgresql
from fairlead.kit.database.sqlite import open_sqlite
from fairlead.kit.database.urls import parse_url

CONNECTIONS = 10


def open_database(url: str, schema: str = "", *, connections: int = CONNECTIONS) -> Engine:
    """Return an engine for the database; a SQLite file's folder is made where it is missing.

    `schema` is where tables are on PostgreSQL, so that services may share a database; SQLite has no schemas.
    `connections` is the most that this engine has open at once on PostgreSQL.

    On SQLite, `engine.begin()` takes the write lock at once and waits up to 10 s for it; on PostgreSQL it does not:
    what is read and then written must be locked (`with_for_update()`), or the writing must name what it may replace.
    `engine.connect()` reads and holds nobody up.
    Raises InvalidArgument for another kind of database, FailedPrecondition where the folder can't be made.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return open_sqlite(parsed)
    return open_postgresql(parsed, schema, connections)
