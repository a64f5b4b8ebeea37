from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead import Client
from tests.unit.client.stage import Stage, open_stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with open_stage() as stage:
        yield stage


@pytest.fixture
def client(stage: Stage) -> Iterator[Client]:
    with Client(stage.url, "secret") as client:
        yield client
