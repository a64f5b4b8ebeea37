"""Bringing the tables of the services that are installed up to date, as a process of its own does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from fairlead.kit.database import open_database, recorded_revisions, wanted_revisions
from fairlead.kit.migrate import folders_of, installed_services
from fairlead.kit.settings import SERVICES
from tests.data import ROOT


def migrated(home: Path, *, status: int = 0, url: str = "", place: Path = ROOT) -> list[dict[str, object]]:
    environment = {"FAIRLEAD_HOME": str(home), "FAIRLEAD_DATABASE_URL": url, "PYTHONPATH": str(place)}
    ended = subprocess.run(
        [sys.executable, "-m", "fairlead.kit.migrate"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    return [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_finds_its_tables_made(tmp_path: Path, service: str) -> None:
    lines = {line["tables"]: line for line in migrated(tmp_path)}

    engine = open_database(f"sqlite:///{tmp_path}/{service}.db")
    assert recorded_revisions(engine) == wanted_revisions(*folders_of(service))
    assert lines[service]["event"] == "upgraded"
    assert lines[service]["before"] == []
    engine.dispose()


def test_it_may_be_repeated(tmp_path: Path) -> None:
    migrated(tmp_path)

    assert {line["event"] for line in migrated(tmp_path)} == {"up to date"}


def test_tables_of_a_newer_version_are_left_alone_and_told(tmp_path: Path) -> None:
    migrated(tmp_path)
    engine = open_database(f"sqlite:///{tmp_path}/drift.db")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'drift_9999'"))
    engine.dispose()

    last = migrated(tmp_path, status=1)[-1]

    assert last["level"] == "error"
    assert "drift_9999, which this version does not know" in str(last["why"])


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    last = migrated(tmp_path, status=1, url="postgresql://nobody@127.0.0.1:9/none")[-1]

    assert last["event"] == "the tables are not up to date"


def test_only_what_is_installed_is_brought_up_to_date(tmp_path: Path) -> None:
    # As in an image: the kit, the contracts, and one service inside the package.
    place = tmp_path / "site"
    (place / "fairlead" / "services").mkdir(parents=True)
    for part in ("kit", "api", "__init__.py"):
        (place / "fairlead" / part).symlink_to(ROOT / "fairlead" / part)
    (place / "fairlead" / "services" / "drift").symlink_to(ROOT / "services" / "drift")

    assert [line["tables"] for line in migrated(tmp_path, place=place)] == ["drift"]
    assert installed_services() == SERVICES
