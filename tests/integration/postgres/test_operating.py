"""`fairlead db` on databases of each kind, as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from fairlead.kit.database import migrate, open_database, recorded_revisions
from services.gateway.adapters.schema import MIGRATIONS as GATEWAY
from tests.data import ROOT
from tests.databases import POSTGRESQL, SQLITE

ALL = {"gateway", "profiler", "trainer", "serving", "drift", "conductor", "mlflow", "conductor-steps"}


class Operator:
    """Runs commands with the settings of one Fairlead."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home, self.database_url = home, database_url
        self.environment = {**os.environ, "FAIRLEAD_HOME": str(home), "FAIRLEAD_DATABASE_URL": database_url}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "fairlead.cli.main", "db", *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        output, errors = process.communicate()
        return process.returncode, output, errors

    def states(self) -> tuple[int, dict[str, str]]:
        code, output, errors = self.run("check", "--json")
        assert not errors, errors
        return code, {each["service"]: each["state"] for each in json.loads(output)}

    def open(self, service: str) -> sa.Engine:
        return open_database(self.database_url or f"sqlite:///{self.home}/{service}.db", service)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Operator:
    return Operator(tmp_path, request.getfixturevalue("postgres_database") if request.param == POSTGRESQL else "")


def test_tables_are_made_and_brought_up_to_date_and_checking_changes_nothing(
    operator: Operator, tmp_path: Path
) -> None:
    assert operator.states() == (1, dict.fromkeys(ALL, "not made"))
    assert list(operator.home.glob("*.db")) == []
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "gateway_0001.py").write_text((GATEWAY / "gateway_0001.py").read_text())
    gateway = operator.open("gateway")
    migrate(gateway, earlier)
    code, states = operator.states()
    assert (code, states["gateway"]) == (1, "behind")

    # Two operators, or one and a service that starts: the one waits for the other.
    upgrades = [operator.start("upgrade", "--json") for _ in range(2)]
    for upgrade in upgrades:
        output, errors = upgrade.communicate()
        assert (upgrade.returncode, errors) == (0, "")
        assert {each["service"] for each in json.loads(output)} == ALL

    assert operator.states() == (0, dict.fromkeys(ALL, "up to date"))
    assert "gateway_0001" not in recorded_revisions(gateway)

    with gateway.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'gateway_9999'")
    gateway.dispose()
    code, states = operator.states()
    assert (code, states["gateway"]) == (1, "newer than this Fairlead")
    code, _, errors = operator.run("upgrade")
    assert code == 1
    assert "gateway_9999" in errors
    assert "Traceback" not in errors


def test_a_server_that_is_away_is_said_so_without_its_password(tmp_path: Path) -> None:
    code, _, errors = Operator(tmp_path, "postgresql://ann:s3cret@127.0.0.1:1/fairlead").run("check")

    assert code == 1
    assert "127.0.0.1:1/fairlead" in errors
    assert "s3cret" not in errors
    assert "Traceback" not in errors


def test_a_table_is_printed_for_people(tmp_path: Path) -> None:
    code, output, _ = Operator(tmp_path, "").run("check")

    heading = output.splitlines()[0]
    assert all(word in heading for word in ("service", "database", "revision found", "revision wanted", "state"))
    assert code == 1
