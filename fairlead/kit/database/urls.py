"""URLs of databases: which are supported, and how they name a schema."""

from __future__ import annotations

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from fairlead.kit.errors import InvalidArgument

# psycopg 3; `postgresql://` alone would let SQLAlchemy choose a driver, which changes with its version.
_DRIVER = "postgresql+psycopg"
_POSTGRESQL = frozenset({"postgresql", "postgres", _DRIVER})
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,62}")


def parse_url(url: str) -> URL:
    """Return a URL, with psycopg 3 as PostgreSQL's driver.

    Raises InvalidArgument for one that is no URL or of another database; the message never holds the password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InvalidArgument(
            "the database's URL can't be read; write sqlite:///path or postgresql://user:password@host/database, "
            "with %-escapes for special characters in the password"
        ) from error
    if parsed.drivername in _POSTGRESQL:
        return parsed.set(drivername=_DRIVER)
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed
    raise InvalidArgument(
        f"databases of the kind '{parsed.drivername}' are not supported; "
        "write sqlite:///path or postgresql://user:password@host/database"
    )


def is_postgresql(url: str) -> bool:
    """Return whether the URL names a PostgreSQL database. Raises InvalidArgument."""
    return parse_url(url).get_backend_name() == "postgresql"


def schema_url(url: str, schema: str) -> str:
    """Return the URL of a PostgreSQL database with a schema as its search path, password included.

    It is for libraries that open the database by themselves. Raises InvalidArgument.
    """
    parsed = parse_url(url)
    options = with_search_path(options_of(parsed), schema)
    return parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)


def options_of(url: URL) -> str:
    """Return the server options that the URL itself asks for."""
    given = url.query.get("options", "")
    return given if isinstance(given, str) else " ".join(given)


def with_search_path(options: str, schema: str) -> str:
    """Return server options with a schema as the search path, whatever they said before. Raises InvalidArgument."""
    if _SCHEMA.fullmatch(schema) is None:
        raise InvalidArgument(f"'{schema}' can't be a schema's name; use lower case letters, digits and _")
    return f"{options} -csearch_path={schema}".strip()
