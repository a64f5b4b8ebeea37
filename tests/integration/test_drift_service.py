"""The drift service as its own process, over its sockets and the event log; real rows, real files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import grpc
import numpy as np
import pytest

from fairlead.api.drift.v1 import monitor_pb2, monitor_service_pb2, monitor_service_pb2_grpc
from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2, deployment_service_pb2, deployment_service_pb2_grpc
from fairlead.kit.blobs import open_blob_store
from fairlead.kit.errors import Aborted, FairleadError, InvalidArgument, NotFound, Unavailable
from fairlead.kit.events import open_event_log, topics
from fairlead.kit.rpc.channel import connect
from tests.data import ROOT
from tests.ports import free_port
from tests.unit.drift import events as made
from tests.unit.drift.capture import Table, take

TOKEN = "the-services-secret"
WINDOW = 200


class Serving(deployment_service_pb2_grpc.DeploymentServiceServicer):
    """The part of serving that drift asks."""

    def __init__(self) -> None:
        self.deployments: dict[str, deployment_pb2.Deployment] = {}

    def GetDeployment(
        self, request: deployment_service_pb2.GetDeploymentRequest, context: grpc.ServicerContext
    ) -> deployment_service_pb2.GetDeploymentResponse:
        if request.name not in self.deployments:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such deployment")
        return deployment_service_pb2.GetDeploymentResponse(deployment=self.deployments[request.name])


class House:
    """One machine's home folder with a drift service that can be started, stopped and killed."""

    def __init__(self, home: Path, serving_port: int) -> None:
        self.home = home
        self.events = open_event_log(f"sqlite:///{home}/events.db", source="test")
        self.blobs = open_blob_store(f"file://{home}/blobs", home / "cache")
        self._serving_port = serving_port
        self.port = free_port(100)
        self.channel = connect(f"127.0.0.1:{self.port}", token=TOKEN)
        self.monitors = monitor_service_pb2_grpc.MonitorServiceStub(self.channel)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "FAIRLEAD_HOME": str(self.home),
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
            "FAIRLEAD_DRIFT_ADDRESS": f"127.0.0.1:{self.port}",
            "FAIRLEAD_SERVING_ADDRESS": f"127.0.0.1:{self._serving_port}",
            "FAIRLEAD_DRIFT_WINDOW_ROWS": str(WINDOW),
        }
        with (self.home / "drift.log").open("ab") as log:
            command = [sys.executable, "-m", "services.drift"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(30)
        self._process = None
        return code

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        self.channel.close()
        self.events.close()

    def package(self, reference_rows: Table, name: str = "m1") -> str:
        reference = made.adult_reference(reference_rows)
        return made.put_reference(self.blobs, self.home / "package", f"models/demo/{name}", reference)

    def deploy(self, message: deployment_pb2.Deployment, deleted: bool = False) -> None:
        change = events_pb2.DeploymentChanged(deployment=message, deleted=deleted)
        self.events.publish(topics.DEPLOYMENTS, message.name, change)

    def predict(self, rows: Table, *, first: int = 0, version: str = made.VERSION_1, size: int = 50) -> None:
        for batch in made.batches(rows, size, first=first, version=version):
            self.events.publish(topics.PREDICTIONS, batch.deployment, batch)

    def monitor(self) -> monitor_pb2.Monitor:
        return self.monitors.GetMonitor(monitor_service_pb2.GetMonitorRequest(name=made.MONITOR)).monitor

    def wait_for(self, seen: Callable[[monitor_pb2.Monitor], bool]) -> monitor_pb2.Monitor:
        """Return the monitor once it is as wanted; the test's own time limit ends a wait in vain."""
        while True:
            try:
                monitor = self.monitor()
                if seen(monitor):
                    return monitor
            except (NotFound, Unavailable):
                pass
            time.sleep(0.05)

    def wait_until_gone(self) -> None:
        while True:
            try:
                self.monitor()
            except NotFound:
                return
            time.sleep(0.05)

    def wait_for_alert(self) -> list[monitor_pb2.Alert]:
        """Return the alerts once there is one: it is published right after its window shows."""
        while not self.alerts_raised():
            time.sleep(0.05)
        return self.alerts_raised()

    def alerts_raised(self) -> list[monitor_pb2.Alert]:
        return [event.unpack(events_pb2.AlertRaised).alert for event in self.events.replay(topics.ALERTS)]

    def metrics(self) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port + 100}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request) as answer:
            return str(answer.read().decode())


@pytest.fixture
def serving() -> Iterator[tuple[Serving, int]]:
    servicer = Serving()  # type: ignore[abstract]  # drift asks for no more
    server = grpc.server(ThreadPoolExecutor(2))
    deployment_service_pb2_grpc.add_DeploymentServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, port
    server.stop(0).wait()


@pytest.fixture
def house(tmp_path: Path, serving: tuple[Serving, int]) -> Iterator[House]:
    house = House(tmp_path, serving[1])
    yield house
    house.close()


@pytest.fixture(scope="module")
def adult() -> Table:
    return made.adult()


@pytest.fixture(scope="module")
def training(adult: Table) -> Table:
    return take(adult, np.arange(0, 16_000))


@pytest.fixture(scope="module")
def traffic(adult: Table) -> Table:
    return take(adult, np.arange(16_000, 32_000))


def test_a_deployment_is_watched_without_asking_and_drift_raises_one_alert(
    house: House, training: Table, traffic: Table
) -> None:
    house.deploy(made.deployment(house.package(training)))
    house.start()
    house.predict(made.sample(traffic, 4 * WINDOW + 70, seed=1))
    calm = house.wait_for(lambda monitor: monitor.prediction_count == 4 * WINDOW + 70)
    assert (calm.window_count, calm.open_window_rows, calm.alert_count) == (4, 70, 0)
    assert calm.severity == monitor_pb2.SEVERITY_OK
    assert calm.deployment == made.DEPLOYMENT and calm.model_version == made.VERSION_1
    assert house.alerts_raised() == []

    house.predict(made.older(made.sample(traffic, 5 * WINDOW, seed=2)), first=10_000)
    drifted = house.wait_for(lambda monitor: monitor.window_count == 9)
    assert drifted.severity == monitor_pb2.SEVERITY_CRITICAL
    assert drifted.alert_count == 1
    (alert,) = house.wait_for_alert()
    assert {column.column for column in alert.columns[:2]} == {"age", "hours-per-week"}
    assert alert.severity == monitor_pb2.SEVERITY_CRITICAL
    assert alert.message.startswith(f"{len(alert.columns)} of 15 columns drifted: ")
    assert "mean 38." in alert.message
    gauges = house.metrics()
    assert f'fairlead_drift_severity{{deployment="{made.DEPLOYMENT}"}} 3.0' in gauges
    assert f'fairlead_drift_score{{column="age",deployment="{made.DEPLOYMENT}",statistic="wasserstein"}}' in gauges
    _assert_history(house, alert)
    assert house.stop() == 0


def _assert_history(house: House, alert: monitor_pb2.Alert) -> None:
    pages, token = [], ""
    while True:
        request = monitor_service_pb2.ListDriftReportsRequest(parent=made.MONITOR, page_size=4, page_token=token)
        page = house.monitors.ListDriftReports(request)
        pages.append(len(page.drift_reports))
        token = page.next_page_token
        if not token:
            break
    assert pages == [4, 4, 1]
    for parent in (made.MONITOR, "projects/demo"):
        answer = house.monitors.ListAlerts(monitor_service_pb2.ListAlertsRequest(parent=parent))
        assert list(answer.alerts) == [alert]


def test_killed_again_and_again_nothing_is_lost_or_counted_twice(house: House, training: Table, traffic: Table) -> None:
    house.deploy(made.deployment(house.package(training)))
    rows = made.older(made.sample(traffic, 3000, seed=3))
    for part in range(6):
        house.start()
        house.predict(take(rows, np.arange(part * 500, part * 500 + 500)), first=part * 500, size=5)
        # Dies somewhere in the middle of the work, at another point each time.
        house.wait_for(lambda monitor: True)
        time.sleep(0.03 * part)
        house.kill()
    house.start()
    house.wait_for(lambda monitor: monitor.prediction_count >= 3000)
    house.events.publish(topics.FEEDBACK, made.DEPLOYMENT, made.feedback({"request-0": ">50K"}))
    after = house.wait_for(lambda monitor: monitor.feedback_count == 1)
    assert (after.prediction_count, after.window_count, after.open_window_rows) == (3000, 3000 // WINDOW, 0)
    assert after.alert_count == 1
    assert len({alert.name for alert in house.wait_for_alert()}) == 1


def test_an_alert_of_serving_is_listed_with_those_of_drift(house: House, training: Table) -> None:
    told = made.not_logged(1234)
    house.deploy(made.deployment(house.package(training)))
    house.start()
    for _ in range(2):
        house.events.publish(topics.ALERTS, made.DEPLOYMENT, told, id="loss-1")
    house.events.publish(topics.ALERTS, made.DEPLOYMENT, made.not_logged(5, "2"), id="loss-2")
    monitor = house.wait_for(lambda monitor: monitor.alert_count == 2)
    assert monitor.severity == monitor_pb2.SEVERITY_OK
    for parent in (made.MONITOR, "projects/demo"):
        answer = house.monitors.ListAlerts(monitor_service_pb2.ListAlertsRequest(parent=parent))
        assert list(answer.alerts) == [made.not_logged(5, "2").alert, told.alert]


def test_predictions_that_come_before_their_deployment_are_not_lost(
    house: House, serving: tuple[Serving, int], training: Table, traffic: Table
) -> None:
    message = made.deployment(house.package(training))
    serving[0].deployments[made.DEPLOYMENT] = message
    house.predict(made.sample(traffic, 300, seed=4))
    house.start()
    assert house.wait_for(lambda monitor: monitor.prediction_count == 300).window_count == 1
    house.deploy(message)
    house.predict(made.sample(traffic, 100, seed=5), first=300)
    assert house.wait_for(lambda monitor: monitor.prediction_count == 400).window_count == 2


def test_predictions_wait_while_serving_is_away_until_their_deployment_is_told(
    tmp_path: Path, training: Table, traffic: Table
) -> None:
    house = House(tmp_path, serving_port=free_port())
    try:
        house.predict(made.sample(traffic, 300, seed=10))
        house.start()
        while "consuming waits" not in (tmp_path / "drift.log").read_text():
            time.sleep(0.05)
        house.deploy(made.deployment(house.package(training)))
        assert house.wait_for(lambda monitor: monitor.prediction_count == 300).window_count == 1
    finally:
        house.close()


def test_feedback_is_joined_before_and_after_its_prediction(house: House, training: Table, traffic: Table) -> None:
    rows = made.sample(traffic, 10, seed=6)
    batch = made.batch(rows)
    right = dict(zip((f"request-{i}" for i in range(10)), batch.prediction.texts.values, strict=True))
    house.deploy(made.deployment(house.package(training)))
    house.start()
    house.wait_for(lambda monitor: True)
    early = {name: right[name] for name in ("request-0", "request-1")}
    house.events.publish(topics.FEEDBACK, made.DEPLOYMENT, made.feedback(early))
    house.events.publish(topics.PREDICTIONS, made.DEPLOYMENT, batch)
    house.wait_for(lambda monitor: monitor.feedback_count == 2)
    wrong = {"request-2": "<=50K" if right["request-2"] == ">50K" else ">50K"}
    house.events.publish(topics.FEEDBACK, made.DEPLOYMENT, made.feedback(wrong | {"request-3": right["request-3"]}))
    monitor = house.wait_for(lambda monitor: monitor.feedback_count == 4)
    assert monitor.performance["accuracy"] == pytest.approx(3 / 4)


def test_a_new_version_begins_a_new_reference_and_window(house: House, training: Table, traffic: Table) -> None:
    house.deploy(made.deployment(house.package(training)))
    house.start()
    house.predict(made.older(made.sample(traffic, 3 * WINDOW + 20, seed=7)))
    before = house.wait_for(lambda monitor: monitor.window_count == 3)
    assert before.severity == monitor_pb2.SEVERITY_CRITICAL
    key = house.package(made.older(training), "m2")
    house.deploy(made.deployment(key, made.VERSION_2, made.NOON + timedelta(hours=1)))
    moved = house.wait_for(lambda monitor: monitor.model_version == made.VERSION_2)
    assert (moved.severity, moved.open_window_rows) == (monitor_pb2.SEVERITY_OK, 0)
    assert "fairlead_drift_severity{" not in house.metrics()
    house.predict(made.older(made.sample(traffic, WINDOW + 30, seed=8)), first=5_000, version=made.VERSION_2)
    # The rows come in many records: the fourth window may end records before the last row is counted.
    after = house.wait_for(lambda monitor: (monitor.window_count, monitor.open_window_rows) == (4, 30))
    assert after.severity == monitor_pb2.SEVERITY_OK


def test_the_monitor_ends_with_its_deployment(house: House, training: Table, traffic: Table) -> None:
    message = made.deployment(house.package(training))
    house.deploy(message)
    house.start()
    house.predict(made.sample(traffic, 50, seed=9))
    house.wait_for(lambda monitor: monitor.prediction_count == 50)
    house.deploy(message, deleted=True)
    house.wait_until_gone()
    request = monitor_service_pb2.ListMonitorsRequest(parent="projects/demo")
    assert list(house.monitors.ListMonitors(request).monitors) == []


def test_a_policy_is_changed_with_an_etag_and_refused_when_it_makes_no_sense(house: House, training: Table) -> None:
    house.deploy(made.deployment(house.package(training)))
    house.start()
    monitor = house.wait_for(lambda monitor: True)
    policy = monitor_pb2.MonitorPolicy()
    policy.CopyFrom(monitor.policy)
    policy.window_rows = 300

    def update(policy: monitor_pb2.MonitorPolicy, etag: str) -> monitor_pb2.Monitor:
        request = monitor_service_pb2.UpdateMonitorRequest(name=made.MONITOR, policy=policy, etag=etag)
        return house.monitors.UpdateMonitor(request).monitor

    changed = update(policy, monitor.etag)
    assert changed.policy.window_rows == 300 and changed == house.monitor()
    with pytest.raises(Aborted):
        update(policy, monitor.etag)
    policy.warning_threshold, policy.windows_to_alert = 0, 9
    with pytest.raises(InvalidArgument) as refused:
        update(policy, changed.etag)
    fields = {violation.field for violation in refused.value.violations}
    assert fields == {"policy.warning_threshold", "policy.windows_to_alert"}
    with pytest.raises(FairleadError, match="monitors/other"):
        house.monitors.GetMonitor(monitor_service_pb2.GetMonitorRequest(name="projects/demo/monitors/other"))
