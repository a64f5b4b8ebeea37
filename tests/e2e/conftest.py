"""One running Fairlead for the tests of the whole job, started as its user would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fairlead import Client
from tests.e2e.back_ends import BackEnds, picked
from tests.e2e.jobs import Jobs
from tests.e2e.running import RunningFairlead


@pytest.fixture(scope="package")
def back_ends() -> Iterator[BackEnds]:
    """What makes the back ends of each Fairlead that is started."""
    back_ends = picked()
    yield back_ends
    back_ends.close()


@pytest.fixture
def fresh_back_ends(back_ends: BackEnds) -> Iterator[Mapping[str, str]]:
    """The variables that name empty back ends for a Fairlead of the test's own."""
    with back_ends.fresh() as environment:
        yield environment


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory, back_ends: BackEnds) -> Iterator[RunningFairlead]:
    with back_ends.fresh() as environment:
        fairlead = RunningFairlead.start(tmp_path_factory.mktemp("home"), environment=environment)
        yield fairlead
        fairlead.stop()


@pytest.fixture(scope="package")
def client(running: RunningFairlead) -> Iterator[Client]:
    with running.client() as client:
        yield client


@pytest.fixture(scope="package")
def jobs(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Trains each dataset once, for all the tests that ask for it."""
    return Jobs(client, tmp_path_factory.mktemp("files"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
