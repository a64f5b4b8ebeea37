"""Bringing a database's tables up to date with Alembic."""

from __future__ import annotations

import ast
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from fairlead.kit.database.failures import RETRY_SECONDS
from fairlead.kit.database.locks import MIGRATION
from fairlead.kit.database.schemas import make_schema, search_path
from fairlead.kit.errors import FailedPrecondition, Unavailable

# Another may migrate large tables meanwhile.
MIGRATION_WAIT_SECONDS = 300.0
_LOCK_NOT_AVAILABLE = "55P03"
_ENVIRONMENT = Path(__file__).parents[1] / "migrations"
# Alembic's `context` is one per process, so threads migrate one after another.
_ONE_MIGRATION = threading.Lock()


def migrate(engine: Engine, *version_folders: Path, wait_seconds: float = MIGRATION_WAIT_SECONDS) -> None:
    """Bring the database to the newest revision of every folder; do nothing where it is there already.

    A folder holds Alembic revision files. Processes that migrate the same database at the same time wait for each
    other, and all of it happens or none. On PostgreSQL the schema is made where it is missing, and the note of the
    revisions is in it too. Raises FailedPrecondition for a database that a newer version has made,
    Unavailable where another process of PostgreSQL migrates it for longer than `wait_seconds`.
    """
    links = _links(version_folders)
    if wanted_revisions(*version_folders) <= recorded_revisions(engine):
        return
    # Alembic costs a third of a second to import: only where there is something to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, version_folders)).replace("%", "%%"))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with _ONE_MIGRATION, _exclusive(engine, wait_seconds) as connection:
        if unknown := _recorded_in(connection) - links.keys():
            raise FailedPrecondition(
                f"the database has the revisions {', '.join(sorted(unknown))}, which this version does not know; "
                "run the version that made them, or a newer one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


def wanted_revisions(*version_folders: Path) -> set[str]:
    """Return the newest revision of each folder, which migrate() would bring a database to."""
    links = _links(version_folders)
    return links.keys() - {revision for earlier in links.values() for revision in earlier}


def known_revisions(*version_folders: Path) -> set[str]:
    """Return every revision of the folders."""
    return set(_links(version_folders))


def recorded_revisions(engine: Engine) -> set[str]:
    """Return the newest revisions that the database has, none where it was never migrated."""
    with engine.connect() as connection:
        return _recorded_in(connection)


@contextmanager
def _exclusive(engine: Engine, wait_seconds: float) -> Iterator[Connection]:
    """A transaction that no other migration of these tables runs beside."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _without_foreign_keys(connection), connection.begin():
                yield connection
        else:
            with connection.begin():
                _take_schema(connection, wait_seconds)
                yield connection


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    # Altering a table on SQLite copies and drops it, which must not delete the rows that refer to it;
    # the switch has no effect inside a transaction.
    _driver(connection).execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        _driver(connection).execute("PRAGMA foreign_keys=ON")


def _take_schema(connection: Connection, wait_seconds: float) -> None:
    """Lock the schema of the connection's search path against other migrations, and make it where it is missing."""
    schema = search_path(connection)
    # A migration may take as long as it needs, once it has what it locks; so others wait longer for it.
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text(f"SET LOCAL lock_timeout = {max(1, round(wait_seconds * 1000))}"))
    try:
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:key, hashtext(:schema))"), {"key": MIGRATION, "schema": schema}
        )
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        raise Unavailable(
            f"another process has been migrating the schema '{schema}' of the database "
            f"{connection.engine.url.database} for more than {wait_seconds:g} s; pg_locks shows it (advisory, classid "
            f"{MIGRATION}): wait for it or end it, then try again",
            retry_after=RETRY_SECONDS,
        ) from error
    connection.execute(text("SET LOCAL lock_timeout = '30s'"))
    make_schema(connection, schema)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


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
