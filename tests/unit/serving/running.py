"""The whole serving service as a process, with a trainer and a profiler that know what a test gives them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import grpc
import httpx

from fairlead.api.profiler.v1 import dataset_pb2
from fairlead.api.serving.v1 import deployment_pb2, deployment_service_pb2, prediction_service_pb2
from fairlead.api.serving.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from fairlead.api.serving.v1.prediction_service_pb2_grpc import PredictionServiceStub
from fairlead.kit.blobs import open_blob_store
from fairlead.kit.events import open_event_log
from fairlead.kit.rpc.channel import connect
from fairlead.kit.settings import KitSettings
from services.serving.settings import ServingSettings
from tests.data import ROOT
from tests.ports import free_port
from tests.unit.serving.registry import KnownDatasets, KnownVersions, serve_collaborators

TOKEN = "token-of-the-test"
BEARER = {"authorization": f"Bearer {TOKEN}"}
OFFSETS = (4, 80, 81, 82, 104)
STARTS_WITHIN = 180.0


class RunningService:
    """Starts, stops, kills and restarts the service in one home, at one base port."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        """The environment is the process's, beside what this class gives it."""
        self.home = home
        self.models, self.datasets = KnownVersions(), KnownDatasets()
        self._environment = {
            "FAIRLEAD_HOME": str(home),
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
            "FAIRLEAD_BASE_PORT": str(free_port(*OFFSETS)),
            **(environment or {}),
        }
        collaborator_settings = KitSettings(home=home, service_token=TOKEN)  # type: ignore[arg-type]
        self._collaborators = serve_collaborators(collaborator_settings, self.models, self.datasets)
        address = f"127.0.0.1:{self._collaborators.port}"
        self._environment |= {"FAIRLEAD_TRAINER_ADDRESS": address, "FAIRLEAD_PROFILER_ADDRESS": address}
        self.settings = ServingSettings(
            home=home,
            base_port=int(self._environment["FAIRLEAD_BASE_PORT"]),
            events_url=self._environment.get("FAIRLEAD_EVENTS_URL", ""),
        )
        self.blobs = open_blob_store(self.settings.blobs_url, home / "cache")
        self.events = open_event_log(self.settings.events_url, source="test")
        self.process: subprocess.Popen[bytes] | None = None
        self.stderr: Path | None = None
        """Where the process's log goes; None means the test's own standard error."""
        self.channel: grpc.Channel = connect(self.settings.address, token=TOKEN)
        self.deployments = DeploymentServiceStub(self.channel)
        self.predictions = PredictionServiceStub(self.channel)

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the process is started in."""
        return {**os.environ, **self._environment}

    def spawn(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start the process without waiting for it."""
        with ExitStack() as files:
            stderr = files.enter_context(self.stderr.open("ab")) if self.stderr else None
            command = [sys.executable, "-m", "services.serving"]
            self.process = subprocess.Popen(command, cwd=ROOT, env={**self.environment, **environment}, stderr=stderr)
        return self.process

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.spawn()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once the process answers at its last door."""
        process = self.process
        assert process is not None, "it was not started"
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until:
            assert process.poll() is None, f"serving ended with {process.returncode}"
            try:
                if httpx.get(f"http://{self.settings.bento_address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("serving did not become ready")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        """End everything."""
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGTERM)
        self.channel.close()
        self.events.close()
        self._collaborators.stop(0)

    def add_version(self, name: str, package: Path, *aliases: str) -> None:
        """Make a package known to the trainer as a model version, and by aliases."""
        ids = name.split("/")
        self.models.add(name, self.blobs.put_folder(package, f"models/{ids[1]}/{ids[3]}-{ids[5]}"), *aliases)

    def add_dataset(self, name: str, parquet: Path, rows: int) -> None:
        """Make a Parquet file known to the profiler as a dataset version."""
        stored = self.blobs.put_file(parquet)
        self.datasets.versions[name] = dataset_pb2.DatasetVersion(name=name, row_count=rows, parquet_blob=stored.key)

    def deploy(self, deployment_id: str, model_version: str) -> deployment_pb2.Deployment:
        """Create a deployment in the project p."""
        request = deployment_service_pb2.CreateDeploymentRequest(
            parent="projects/p", deployment_id=deployment_id, model_version=model_version
        )
        return self.deployments.CreateDeployment(request).deployment

    def rest(self, path: str) -> str:
        """A URL of the Open Inference Protocol over REST."""
        return f"http://{self.settings.rest_address}/v2{path}"


def census_request(deployment: str, request_id: str = "") -> prediction_service_pb2.PredictRequest:
    """A request for two rows of the census package; the second lacks its workclass."""
    request = prediction_service_pb2.PredictRequest(deployment=deployment, request_id=request_id)
    request.columns.add(name="age").numbers.values.extend([39, 61])
    request.columns.add(name="hours-per-week").numbers.values.extend([40, 65])
    request.columns.add(name="workclass").texts.values.extend(["Private", ""])
    return request
