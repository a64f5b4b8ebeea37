"""One running Fairlead for the tests of the whole job, started as its user would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead import Client
from tests.e2e.jobs import Jobs
from tests.e2e.running import RunningFairlead


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFairlead]:
    fairlead = RunningFairlead.start(tmp_path_factory.mktemp("home"))
    yield fairlead
    fairlead.stop()


@pytest.fixture(scope="session")
def client(running: RunningFairlead) -> Iterator[Client]:
    with running.client() as client:
        yield client


@pytest.fixture(scope="session")
def jobs(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Trains each dataset once, for all the tests that ask for it."""
    return Jobs(client, tmp_path_factory.mktemp("files"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
