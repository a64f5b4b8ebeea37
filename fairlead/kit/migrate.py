"""`python -m fairlead.kit.migrate`: the tables of every service that is installed here, brought up to date."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from sqlalchemy.exc import DBAPIError

from fairlead.kit import backends
from fairlead.kit.database import migrate, recorded_revisions, unavailable
from fairlead.kit.errors import FailedPrecondition, FairleadError
from fairlead.kit.logging import configure_logging, get_logger
from fairlead.kit.settings import SERVICES, KitSettings
from fairlead.kit.tasks import MIGRATIONS as TASK_MIGRATIONS

OWN_TASKS = frozenset({"profiler", "trainer", "serving", "conductor"})
"""Services whose database holds the tables of tasks too."""


def installed_services() -> tuple[str, ...]:
    """Return the services that are installed here: all of them in a clone, one in an image of its own."""
    root = services_root()
    return tuple(service for service in SERVICES if _own(root, service).is_dir())


def folders_of(service: str) -> tuple[Path, ...]:
    """Return the folders of a service's migrations. Raises FailedPrecondition where they are not installed."""
    own = _own(services_root(), service)
    if not own.is_dir():
        raise FailedPrecondition(f"the service {service} is not installed: pip install 'fairlead[all]'")
    return (TASK_MIGRATIONS, own) if service in OWN_TASKS else (own,)


def services_root() -> Path:
    """Return the folder of the services: inside fairlead when installed, beside it in a clone.

    Raises FailedPrecondition where there is none.
    """
    for name in ("fairlead.services", "services"):
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
    raise FailedPrecondition("the services are not installed: pip install 'fairlead[all]'")


def upgrade(service: str) -> None:
    """Bring the tables of a service up to date, which are made where they are missing; safe to repeat.

    Others that do so meanwhile are waited for. Raises FailedPrecondition where a newer version made them, and
    Unavailable or DBAPIError where the database is away.
    """
    engine = backends.database(_settings_of(service))
    try:
        before = recorded_revisions(engine)
        migrate(engine, *folders_of(service))
        now = recorded_revisions(engine)
    finally:
        engine.dispose()
    get_logger("fairlead.migrate").info(
        "up to date" if before == now else "upgraded", tables=service, before=sorted(before), now=sorted(now)
    )


def main() -> None:
    """Bring everything up to date; end with status 1, and the reason in the log, where that can't be."""
    settings = KitSettings()
    configure_logging("migrate", settings.log_level, settings.log_format)
    try:
        for service in installed_services():
            upgrade(service)
    except FairleadError as error:
        _fail(error)
    except DBAPIError as error:
        away = unavailable(error)
        if away is None:
            raise
        _fail(away)


def _fail(error: FairleadError) -> None:
    get_logger("fairlead.migrate").error("the tables are not up to date", why=error.message)
    sys.exit(1)


def _own(root: Path, service: str) -> Path:
    return root / service / "adapters" / "migrations"


def _settings_of(name: str) -> KitSettings:
    class OfService(KitSettings):
        service: ClassVar[str] = name

    return OfService()


if __name__ == "__main__":
    main()
