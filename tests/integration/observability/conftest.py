"""A Fairlead whose traces are received here: one model, some traffic like that of its training, some that drifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fairlead import Client
from fairlead.client import Json
from tests.e2e.jobs import HEART, Jobs
from tests.e2e.running import RunningFairlead
from tests.integration.observability.otlp_receiver import Receiver
from tests.waiting import until

WINDOW = 50


@dataclass(frozen=True)
class Observed:
    """A running Fairlead, who receives its spans, and rows that its deployment predicts."""

    fairlead: RunningFairlead
    client: Client
    receiver: Receiver
    deployment: str
    rows: list[Json]

    def wait_for_windows(self, count: int) -> None:
        """Return once the monitor has judged so many windows."""
        until(lambda: self.client.monitors.get(self.deployment)["window_count"] >= count, f"window {count}")


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="package")
def observed(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Only calls that come with a sampled trace are exported here."""
    environment = {
        "FAIRLEAD_OTLP_ENDPOINT": receiver.endpoint,
        "FAIRLEAD_TRACE_RATIO": "0",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    fairlead = RunningFairlead.start(tmp_path_factory.mktemp("home"), environment=environment)
    try:
        with fairlead.client() as client:
            jobs = Jobs(client, tmp_path_factory.mktemp("files"))
            jobs.deployed(HEART)
            yield Observed(fairlead, client, receiver, HEART.id, jobs.rows(HEART, 2 * WINDOW))
    finally:
        fairlead.stop()
