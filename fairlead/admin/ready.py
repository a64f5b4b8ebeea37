"""Whether the back ends that the settings name can be used; topics are made where they are missing.

`fairlead up` runs `python -m fairlead.admin.ready` before it starts the services: it prints a line for each back end,
or, on standard error, a line for each that can't be used, and then ends with status 1.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fairlead.admin import events
from fairlead.admin.backup.marks import SCHEMA as RESTORE_SCHEMA
from fairlead.admin.backup.settings import BackupSettings
from fairlead.kit import backends
from fairlead.kit.database import is_postgresql, open_database, parse_url
from fairlead.kit.errors import FailedPrecondition, FairleadError, PermissionDenied, Unavailable
from fairlead.kit.logging import configure_logging
from fairlead.kit.settings import KitSettings


@dataclass(frozen=True)
class BackEnd:
    """One of the three: what it holds, where that is, and how it is seen to work."""

    what: str
    where: str
    check: Callable[[], None]

    def __str__(self) -> str:
        return f"{self.what:<17} {self.where}"


def _metadata(settings: KitSettings) -> BackEnd:
    if not is_postgresql(settings.database_url):
        return BackEnd("metadata", f"SQLite in {settings.home}", lambda: _refuse_one_file(settings))
    url = parse_url(settings.database_url)
    where = f"PostgreSQL at {url.host or 'localhost'}:{url.port or 5432}/{url.database}"
    return BackEnd("metadata", where, lambda: _check_postgresql(settings, where))


def _events(settings: KitSettings) -> BackEnd:
    if not settings.events_url.startswith("kafka://"):
        where = f"SQLite in {settings.events_url.removeprefix('sqlite:///')}"
        return BackEnd("events", where, lambda: backends.event_log(settings).close())
    return BackEnd("events", f"Kafka at {settings.events_url.removeprefix('kafka://')}", lambda: _make_topics(settings))


def _blobs(settings: KitSettings) -> BackEnd:
    if not settings.blobs_url.startswith("s3://"):
        where = f"files in {settings.blobs_url.removeprefix('file://')}"
        return BackEnd("blobs", where, lambda: _open_blobs(settings))
    where = f"{settings.blobs_url} at {settings.s3_endpoint_url or 'AWS'}"
    return BackEnd("blobs", where, lambda: _list_bucket(settings))


def _refuse_one_file(settings: KitSettings) -> None:
    if settings.database_url != KitSettings(home=settings.home, database_url="").database_url:
        raise FailedPrecondition(
            "FAIRLEAD_DATABASE_URL names one SQLite file, and each service needs one of its own: unset it, or name a "
            "PostgreSQL database"
        )


def _list_bucket(settings: KitSettings) -> None:
    try:
        # The first name there is, if any: a bucket that is absent or closed to us says so.
        next(iter(backends.blob_store(settings).keys()), None)
    except Unavailable as error:
        raise Unavailable(f"{error.message}; see that it runs, and check FAIRLEAD_S3_ENDPOINT_URL") from error


def _open_blobs(settings: KitSettings) -> None:
    backends.blob_store(settings)


def _make_topics(settings: KitSettings) -> None:
    events.setup(settings)


def _schemas(settings: KitSettings) -> set[str]:
    """Return the schemas that the shared database has to have: each service's, MLflow's and the workflow steps'."""
    places = BackupSettings(home=settings.home, database_url=settings.database_url).databases
    # MLflow and the steps may have databases of their own, which are not checked here.
    shared = _server_and_name(settings.database_url)
    return {each.schema for each in places if each.schema and _server_and_name(each.url) == shared}


def _server_and_name(url: str) -> tuple[str, int, str | None]:
    parsed = parse_url(url)
    return parsed.host or "localhost", parsed.port or 5432, parsed.database


def _check_postgresql(settings: KitSettings, where: str) -> None:
    url = settings.database_url
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            schemas = set(connection.scalars(text("SELECT nspname FROM pg_namespace")))
            user, may_create = connection.execute(
                text("SELECT current_user, has_database_privilege(current_database(), 'CREATE')")
            ).one()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0].removeprefix("connection failed: ")
        raise Unavailable(
            f"{where} can't be used: {reason}; see that it runs, and that user, password and database are right"
        ) from error
    finally:
        engine.dispose()
    missing = _schemas(settings) - schemas
    if missing and not may_create:
        raise PermissionDenied(
            f"{where}: {user} may not make the schemas {', '.join(sorted(missing))} there; "
            f"GRANT CREATE ON DATABASE {parse_url(url).database} TO {user}"
        )
    if RESTORE_SCHEMA in schemas:
        raise FailedPrecondition(
            f"{where} is half restored: run `fairlead restore` with the same backup again, or begin with an empty one"
        )


def main() -> int:
    """Check each back end and return the exit status."""
    # What client libraries log comes as an error too, where it matters.
    configure_logging("up", "ERROR", "text")
    logging.disable()
    settings = KitSettings()
    failed = False
    for variable, named in NAMED:
        try:
            back_end = named(settings)
            back_end.check()
        except FairleadError as error:
            failed = True
            print(f"{variable}: {error.message}", file=sys.stderr)
        else:
            print(back_end)
    return int(failed)


NAMED: tuple[tuple[str, Callable[[KitSettings], BackEnd]], ...] = (
    ("FAIRLEAD_DATABASE_URL", _metadata),
    ("FAIRLEAD_EVENTS_URL", _events),
    ("FAIRLEAD_BLOBS_URL", _blobs),
)

if __name__ == "__main__":
    sys.exit(main())
