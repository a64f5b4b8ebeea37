"""What `fairlead up` finds of a PostgreSQL whose role may not make schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from fairlead.admin.ready import NAMED
from fairlead.kit.database import open_database
from fairlead.kit.errors import PermissionDenied
from fairlead.kit.settings import SERVICES, KitSettings


@pytest.fixture
def limited(postgres_database: str, tmp_path: Path) -> Iterator[KitSettings]:
    """The settings of a role that may use the schemas of the services, which someone made for it."""
    role = f"limited_{make_url(postgres_database).database}"
    owner = open_database(postgres_database)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'limited'")
        for service in SERVICES:
            connection.exec_driver_sql(f"CREATE SCHEMA {service} AUTHORIZATION {role}")
    url = make_url(postgres_database).set(username=role, password="limited")
    yield KitSettings(home=tmp_path, database_url=url.render_as_string(hide_password=False))
    with owner.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role} CASCADE")
        connection.exec_driver_sql(f"DROP ROLE {role}")
    owner.dispose()


def test_the_schemas_of_mlflow_and_of_the_workflow_steps_are_needed_too(
    limited: KitSettings, postgres_database: str
) -> None:
    metadata = dict(NAMED)["FAIRLEAD_DATABASE_URL"](limited)
    owner = open_database(postgres_database)
    for schema in ("mlflow", "conductor_steps"):
        with pytest.raises(PermissionDenied, match=schema):
            metadata.check()
        with owner.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")

    metadata.check()
    owner.dispose()


def test_those_of_other_databases_are_not(
    limited: KitSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRLEAD_TRAINER_MLFLOW_URL", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("FAIRLEAD_CONDUCTOR_WORKFLOW_URL", "postgresql://ann@elsewhere/steps")

    dict(NAMED)["FAIRLEAD_DATABASE_URL"](limited).check()
