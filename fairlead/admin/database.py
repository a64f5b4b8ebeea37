"""The databases as their operator sees them: which revision each has, which it should have, and bringing it there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from fairlead.admin.backup.migrations import folders_of, make_tables
from fairlead.admin.backup.settings import BackupSettings, Database
from fairlead.kit.database import (
    exclusive,
    is_postgresql,
    known_revisions,
    open_database,
    parse_url,
    recorded_revisions,
    unavailable,
    wanted_revisions,
)
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.errors import FairleadError as FairleadError

State = Literal["up to date", "behind", "not made", "newer than this Fairlead"]
UP_TO_DATE: State = "up to date"


@dataclass(frozen=True)
class Standing:
    """How a database stands; revisions are comma-separated, "" where there is none."""

    service: str
    database: str
    found: str
    wanted: str
    state: State


@dataclass(frozen=True)
class Upgraded:
    """What became of a database."""

    service: str
    database: str
    before: str
    now: str


def check(home: Path | None = None) -> list[Standing]:
    """Return how each database stands: the services', MLflow's and the workflow steps'. Nothing is changed.

    Raises Unavailable where a database is away, FailedPrecondition where the services are not installed.
    """
    return [_standing(database) for database in _databases(home)]


def upgrade(home: Path | None = None) -> list[Upgraded]:
    """Bring the tables of each database up to date, which are made where they are missing; safe to repeat.

    Services may run meanwhile: others that make or change the same tables wait, or are waited for.
    Raises Unavailable where a database is away, FailedPrecondition where one is newer than this Fairlead.
    """
    upgraded = []
    for database in _databases(home):
        before = _standing(database)
        if before.state not in (UP_TO_DATE, "newer than this Fairlead"):
            with _reached(database):
                _make(database)
        now = _standing(database)
        if now.state != UP_TO_DATE:
            raise FailedPrecondition(
                f"the database of {now.service} has the revisions {now.found}, and this Fairlead knows {now.wanted}; "
                "run the version that made them, or a newer one"
            )
        upgraded.append(Upgraded(now.service, now.database, before.found, now.found))
    return upgraded


def _databases(home: Path | None) -> tuple[Database, ...]:
    settings = BackupSettings(home=home) if home is not None else BackupSettings()
    return tuple(sorted(settings.databases, key=lambda database: (database.maker != "service", database.name)))


def _make(database: Database) -> None:
    if database.maker == "service":
        make_tables(database, ())
        return
    with exclusive(database.url, "tables"):
        path = _sqlite_file(database)
        if path is None or path.exists():
            make_tables(database, ())
            return
        # A service that starts meanwhile must not find half of it.
        draft = path.with_name(f"{path.name}.{uuid4().hex}.draft")
        try:
            make_tables(replace(database, url=f"sqlite:///{draft}"), ())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _standing(database: Database) -> Standing:
    found, wanted, known = _revisions(database)
    state: State = "behind"
    if found - known:
        state = "newer than this Fairlead"
    elif found >= wanted:
        state = UP_TO_DATE
    elif not found:
        state = "not made"
    return Standing(database.name, _place(database), ", ".join(sorted(found)), ", ".join(sorted(wanted)), state)


def _revisions(database: Database) -> tuple[set[str], set[str], set[str]]:
    """Return the revisions that the database has, those it should have, and all that this Fairlead knows."""
    if database.maker == "dbos":
        return _dbos_revisions(database)
    folders = (_mlflow_migrations(),) if database.maker == "mlflow" else folders_of(database.name)
    found: set[str] = set()
    if _is_there(database):
        with _opened(database) as engine:
            found = recorded_revisions(engine)
    return found, wanted_revisions(*folders), known_revisions(*folders)


def _dbos_revisions(database: Database) -> tuple[set[str], set[str], set[str]]:
    # What its own launch asks to see whether there is something to do.
    from dbos._migration import get_migration_versions, get_sqlite_migration_versions

    if not _is_there(database):
        engine = sa.create_engine("sqlite://")
        _, newest = get_sqlite_migration_versions(engine)
        engine.dispose()
        found = 0
    else:
        with _opened(database) as engine:
            if is_postgresql(database.url):
                found, newest = get_migration_versions(engine, database.schema, True)
            else:
                found, newest = get_sqlite_migration_versions(engine)
    # DBOS itself works on a database of a newer version too, so none is unknown.
    has = {str(found)} if found else set()
    return has, has if found > newest else {str(newest)}, has | {str(newest)}


def _mlflow_migrations() -> Path:
    # MLflow takes seconds to import, and its revisions are files.
    spec = find_spec("mlflow")
    if spec is None or not spec.submodule_search_locations:
        raise FailedPrecondition("MLflow is not installed: pip install 'fairlead[all]'")
    return Path(next(iter(spec.submodule_search_locations))) / "store" / "db_migrations" / "versions"


def _is_there(database: Database) -> bool:
    """Return False for a SQLite file that is missing, which opening would make."""
    path = _sqlite_file(database)
    return path is None or path.exists()


def _sqlite_file(database: Database) -> Path | None:
    url = parse_url(database.url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _place(database: Database) -> str:
    """Return where the database is, without its password."""
    url = parse_url(database.url)
    if url.get_backend_name() == "sqlite":
        return f"SQLite {url.database}"
    schema = f", schema {database.schema}" if database.schema else ""
    return f"PostgreSQL {url.host or 'localhost'}:{url.port or 5432}/{url.database}{schema}"


@contextmanager
def _opened(database: Database) -> Iterator[sa.Engine]:
    engine = open_database(database.url, database.schema, connections=1)
    try:
        with _reached(database):
            yield engine
    finally:
        engine.dispose()


@contextmanager
def _reached(database: Database) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if unavailable(error) is None:
            raise
        reason = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
        raise Unavailable(f"{_place(database)} is away or busy ({reason}); see that it runs, then try again") from error
