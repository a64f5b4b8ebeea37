"""Schemas of PostgreSQL: which one a connection's tables are in, and making it."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from fairlead.kit.errors import PermissionDenied

_NOT_PRIVILEGED = "42501"


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
