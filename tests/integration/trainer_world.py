"""A profiler and a trainer as processes, with a home of their own, as their callers see them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mlflow import MlflowClient

from fairlead.api.common.v1.preparation_pb2 import PreparationStep
from fairlead.api.common.v1.table_pb2 import Target
from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.profiler.v1.dataset_service_pb2 import ImportDatasetRequest
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_SUCCEEDED, LogLine, Task
from fairlead.api.tasks.v1.task_service_pb2 import GetTaskRequest, ListTasksRequest
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.api.trainer.v1.model_service_pb2_grpc import ModelServiceStub
from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.preparation_service_pb2 import CreatePreparationRequest
from fairlead.api.trainer.v1.preparation_service_pb2_grpc import PreparationServiceStub
from fairlead.api.trainer.v1.run_pb2 import RunSpec
from fairlead.api.trainer.v1.run_service_pb2 import CreateRunRequest
from fairlead.api.trainer.v1.run_service_pb2_grpc import RunServiceStub
from fairlead.kit import backends
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import open_event_log, topics
from fairlead.kit.rpc.channel import connect
from fairlead.kit.settings import KitSettings
from services.trainer.settings import TrainerSettings
from tests.data import ROOT, SHARED_DATA
from tests.ports import free_port

HEART = SHARED_DATA / "heart_disease" / "heart_disease.csv"
TOKEN = "trainer-integration-token-0123456789"
TARGET = Target(column="num", condition="> 0")
M = TypeVar("M", bound=Message)


class World:
    """A profiler and a trainer with a home of their own, and settings (without FAIRLEAD_) where given."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.mlflow_url = TrainerSettings(home=home, **settings).trainer_mlflow_url
        self.base = free_port(2, 3, 102, 103)
        self.environment = {
            **os.environ,
            "FAIRLEAD_HOME": str(home),
            "FAIRLEAD_BASE_PORT": str(self.base),
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
            **{f"FAIRLEAD_{name.upper()}": value for name, value in settings.items()},
        }
        self.blobs = backends.blob_store(KitSettings(home=home, **settings))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start("profiler")
        self.start("trainer")
        profiler, trainer = (connect(f"127.0.0.1:{self.base + offset}", token=TOKEN) for offset in (2, 3))
        self.channels = [profiler, trainer]
        self.datasets, self.profiler_tasks = DatasetServiceStub(profiler), TaskServiceStub(profiler)
        self.preparations, self.runs = PreparationServiceStub(trainer), RunServiceStub(trainer)
        self.models, self.tasks = ModelServiceStub(trainer), TaskServiceStub(trainer)
        for stub in (self.profiler_tasks, self.tasks):
            _wait_until_it_answers(stub)

    def start(self, service: str) -> None:
        with (self.home / f"{service}.log").open("ab") as log:
            command = [sys.executable, "-m", f"services.{service}"]
            self.processes[service] = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=log)

    def kill_trainer(self) -> None:
        self.processes["trainer"].kill()
        self.processes["trainer"].wait()

    def restart_trainer(self) -> None:
        self.start("trainer")
        _wait_until_it_answers(self.tasks)

    def close(self) -> None:
        for channel in self.channels:
            channel.close()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)

    def upload(self, path: Path, dataset: str, project: str = "default") -> DatasetVersion:
        blob = self.blobs.put_file(path)
        request = ImportDatasetRequest(
            parent=f"projects/{project}", dataset_id=dataset, source_blob=blob.key, file_name=path.name
        )
        return result(self.profiler_tasks, self.datasets.ImportDataset(request).task, DatasetVersion)

    def prepare(self, version: DatasetVersion, target: Target, *steps: PreparationStep) -> Preparation:
        request = CreatePreparationRequest(
            parent=project_of(version.name), dataset_version=version.name, target=target, steps=steps
        )
        return result(self.tasks, self.preparations.CreatePreparation(request).task, Preparation)

    def train(self, spec: RunSpec, request_id: str = "") -> Task:
        request = CreateRunRequest(parent=project_of(spec.preparation), spec=spec, request_id=request_id)
        return self.runs.CreateRun(request).task

    def task(self, name: str) -> Task:
        return self.tasks.GetTask(GetTaskRequest(name=name)).task

    def lines(self, task: str) -> list[LogLine]:
        with closing(open_event_log(f"sqlite:///{self.home}/events.db", source="test")) as events:
            return [event.unpack(LogLine) for event in events.replay(topics.LOGS, key=task)]

    def mlflow(self) -> MlflowClient:
        return MlflowClient(tracking_uri=self.mlflow_url, registry_uri=self.mlflow_url)

    def mlflow_status(self, run: str) -> str:
        """Return what MLflow says of a run, by its name here."""
        return str(self.mlflow().get_run(run.rpartition("/")[2]).info.status)


def use_mlflow(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let MLflow's own functions work on this database for a test: set by its functions, it would stay for others."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, url)


def result(tasks: TaskServiceStub, task: Task, kind: type[M]) -> M:
    last = wait(lambda: ended(tasks, task.name), 120)
    assert last.state == TASK_STATE_SUCCEEDED, (last.error_code, last.error)
    message = kind()
    assert last.result.Unpack(message)
    return message


def wait(condition, seconds: float = 180):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing came within {seconds} s")


def ended(tasks: TaskServiceStub, name: str) -> Task | None:
    task = tasks.GetTask(GetTaskRequest(name=name)).task
    return task if task.state >= TASK_STATE_SUCCEEDED else None


def _wait_until_it_answers(stub: TaskServiceStub) -> None:
    def answers() -> bool:
        try:
            stub.ListTasks(ListTasksRequest(parent="projects/default"))
        except Unavailable:
            return False
        return True

    wait(answers)


def project_of(name: str) -> str:
    return "/".join(name.split("/")[:2])


def spec(preparation: Preparation, seconds: int, *families: str) -> RunSpec:
    return RunSpec(preparation=preparation.name, families=families, budget=Duration(seconds=seconds))
