"""A Fairlead that is observed: its traces are received here, and a real Prometheus scrapes it from the beginning."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairlead import Client
from fairlead.client import Json
from fairlead.up.ports import METRICS, SERVICES
from scripts.observability.dashboard import EVERY
from tests.e2e.jobs import HEART, Jobs
from tests.e2e.running import RunningFairlead
from tests.integration.observability.otlp_receiver import Receiver
from tests.integration.observability.prometheus import Prometheus
from tests.waiting import until

WINDOW = 50
CALL_ROWS = 10


@dataclass(frozen=True)
class Observed:
    """A running Fairlead, who receives its spans, who scrapes it, and rows that its deployment predicts."""

    fairlead: RunningFairlead
    client: Client
    receiver: Receiver
    prometheus: Prometheus
    deployment: str
    rows: list[Json]

    def predict(self, rows: list[Json]) -> str:
        """Predict rows in calls of a few each; return the last one's request id."""
        answers = [
            self.client.deployments.predict(self.deployment, rows[start : start + CALL_ROWS])
            for start in range(0, len(rows), CALL_ROWS)
        ]
        return str(answers[-1]["request_id"])

    def drift(self) -> None:
        """Predict two windows of rows like those of the training, then rows that are not, until an alert is raised."""
        self.client.monitors.update(self.deployment, window_rows=WINDOW)
        self.predict(self.rows)
        request = self.predict([{**row, "age": 99, "chol": 1000.0, "trestbps": 250.0} for row in self.rows * 2])
        self.client.deployments.feedback(self.deployment, [{"request_id": request, "row": 0, "value": "true"}])
        until(lambda: bool(list(self.client.monitors.alerts(self.deployment))), "an alert")


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="package")
def fairlead(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFairlead]:
    """Only calls that come with a sampled trace are exported here."""
    environment = {
        "FAIRLEAD_OTLP_ENDPOINT": receiver.endpoint,
        "FAIRLEAD_TRACE_RATIO": "0",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    fairlead = RunningFairlead.start(tmp_path_factory.mktemp("home"), environment=environment)
    yield fairlead
    fairlead.stop()


@pytest.fixture(scope="package")
def prometheus(fairlead: RunningFairlead, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    prometheus = Prometheus.start(tmp_path_factory.mktemp("prometheus"), metrics_of(fairlead), fairlead.token)
    yield prometheus
    prometheus.stop()


@pytest.fixture(scope="package")
def observed(
    fairlead: RunningFairlead, prometheus: Prometheus, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    with fairlead.client() as client:
        jobs = Jobs(client, tmp_path_factory.mktemp("files"))
        jobs.deployed(HEART)
        rows = jobs.rows(HEART, 2 * WINDOW)
        random.Random(3).shuffle(rows)
        yield Observed(fairlead, client, receiver, prometheus, HEART.id, rows)


def metrics_of(fairlead: RunningFairlead) -> list[str]:
    """Return host:port of each service's metrics."""
    return [f"127.0.0.1:{fairlead.base_port + METRICS + number}" for number, _ in enumerate(SERVICES, start=1)]


def files(folder: Path, suffix: str) -> list[Path]:
    """Return a folder's files of a kind, of which there must be some."""
    found = sorted(folder.glob(f"*{suffix}"))
    assert found
    return found


def filled_in(expr: str) -> str:
    """Return a panel's query as Grafana asks it where its reader chose nothing."""
    for variable, value in (("$namespace", EVERY), ("$deployment", EVERY), ("$__rate_interval", "2m")):
        expr = expr.replace(variable, value)
    assert "$" not in expr
    return expr
