"""Serving, and drift beside it, as processes on a Kafka broker."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from fairlead.api.drift.v1 import monitor_pb2, monitor_service_pb2, monitor_service_pb2_grpc
from fairlead.kit.errors import NotFound, Unavailable
from fairlead.kit.rpc.channel import connect
from tests.data import ROOT
from tests.ports import free_port
from tests.servers.kafka import KafkaBroker
from tests.unit.drift import capture
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, TOKEN, RunningService

VERSION = "projects/p/models/income/versions/1"
WINDOW = 500


def serving_on(broker: KafkaBroker, folder: Path, **environment: str) -> RunningService:
    """A service, not started, that knows one version of a model with a reference of its training data."""
    service = RunningService(folder / "home", {"FAIRLEAD_EVENTS_URL": f"kafka://{broker.bootstrap}", **environment})
    package = packages.classifier(folder / "package")
    rows, _ = packages.census_rows(400)
    table = {
        "age": rows[:, 0].astype(float),
        "hours-per-week": rows[:, 1].astype(float),
        "workclass": list(rows[:, 2]),
        "score": np.asarray(package.pipeline.predict_proba(rows)[:, 1]),
    }
    capture.write_package(package.folder, capture.capture(table, prediction="score"))
    service.add_version(VERSION, package.folder)
    return service


def metric(service: RunningService, name: str, **labels: str) -> float:
    """The value of one of serving's metrics now."""
    request = urllib.request.Request(f"http://{service.settings.metrics_address}/metrics", headers=BEARER)
    with urllib.request.urlopen(request) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    (value,) = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return value


class Drift:
    """The drift service beside a serving; a process."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        address = f"127.0.0.1:{free_port()}"
        own = {
            "FAIRLEAD_HOME": str(service.home),
            "FAIRLEAD_DRIFT_ADDRESS": address,
            "FAIRLEAD_SERVING_ADDRESS": service.settings.address,
            "FAIRLEAD_DRIFT_WINDOW_ROWS": str(WINDOW),
            "FAIRLEAD_EVENTS_URL": service.settings.events_url,
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
        }
        with (folder / "drift.log").open("ab") as log:
            command = [sys.executable, "-m", "services.drift"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stderr=log)
        self._channel = connect(address, token=TOKEN)
        self._monitors = monitor_service_pb2_grpc.MonitorServiceStub(self._channel)

    def monitor(self, deployment: str) -> monitor_pb2.Monitor:
        """The monitor of a deployment as it is now; an empty one before it is made."""
        name = f"projects/p/monitors/{deployment}"
        try:
            return self._monitors.GetMonitor(monitor_service_pb2.GetMonitorRequest(name=name)).monitor
        except (NotFound, Unavailable):
            return monitor_pb2.Monitor()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)
        self._channel.close()
