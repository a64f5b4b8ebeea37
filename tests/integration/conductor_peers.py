"""The profiler and the trainer as the conductor sees them: real sockets, tasks, facts and log lines; scripted work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import grpc
from google.protobuf.message import Message

from fairlead.api.common.v1.preparation_pb2 import ModelSuggestion, PreparationStep
from fairlead.api.common.v1.table_pb2 import TASK_TYPE_BINARY, Target
from fairlead.api.events.v1.events_pb2 import TrainProgress
from fairlead.api.profiler.v1 import dataset_pb2, dataset_service_pb2, profile_pb2, profile_service_pb2
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import (
    DatasetServiceServicer,
    add_DatasetServiceServicer_to_server,
)
from fairlead.api.profiler.v1.profile_service_pb2_grpc import (
    ProfileServiceServicer,
    add_ProfileServiceServicer_to_server,
)
from fairlead.api.tasks.v1 import task_service_pb2
from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.api.tasks.v1.task_service_pb2_grpc import add_TaskServiceServicer_to_server
from fairlead.api.trainer.v1 import model_pb2, preparation_pb2, preparation_service_pb2, run_pb2, run_service_pb2
from fairlead.api.trainer.v1.preparation_service_pb2_grpc import (
    PreparationServiceServicer,
    add_PreparationServiceServicer_to_server,
)
from fairlead.api.trainer.v1.run_service_pb2_grpc import RunServiceServicer, add_RunServiceServicer_to_server
from fairlead.kit import tasks as kit_tasks
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import FairleadError, NotFound
from fairlead.kit.events import EventLog
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskServicer, TaskStore

TOKEN = "the-services-secret"
COLUMNS = ("age", "hours-per-week", "num", "income-per-year")
GUESS = "income-per-year"
VERSION = "projects/demo/datasets/adult/versions/3"
RUN = "projects/demo/runs/r1"
PREPARATION = "projects/demo/preparations/p1"
MODEL_VERSION = "projects/demo/models/adult/versions/1"


def step(name: str, confidence: float) -> PreparationStep:
    return PreparationStep(id=name, confidence=confidence)


class Peer:
    """One service with tasks; the work of a kind can be held, or made to fail."""

    def __init__(self, name: str, home: Path, events: EventLog) -> None:
        database = open_database(f"sqlite:///{home}/{name}.db")
        migrate(database, kit_tasks.MIGRATIONS)
        self.name = name
        self.store = TaskStore(database, events, name)
        self.asked: Counter[str] = Counter()
        self.received: dict[str, list[Message]] = {}
        self.begun: list[str] = []
        self.failing: dict[str, FairleadError] = {}
        self._settings = KitSettings(home=home, service_token=TOKEN)
        self._gates: dict[str, Event] = {}
        self._address = "127.0.0.1:0"
        self._server: RpcServer | None = None
        self.come_back()

    @property
    def requests(self) -> dict[str, Message]:
        """Return the newest request of each kind."""
        return {kind: requests[-1] for kind, requests in self.received.items()}

    @property
    def address(self) -> str:
        return self._address

    def register(self, server: RpcServer) -> None:
        tasks = task_service_pb2.DESCRIPTOR.services_by_name["TaskService"]
        server.add(add_TaskServiceServicer_to_server, TaskServicer(self.store, self), tasks)

    def come_back(self) -> None:
        """Listen, at the same address as before."""
        self._server = RpcServer(self._settings, address=self._address)
        self.register(self._server)
        self._server.start()
        self._address = f"127.0.0.1:{self._server.port}"

    def go_away(self) -> None:
        """Stop listening; the work goes on."""
        if self._server is not None:
            self._server.stop(0)
            self._server = None

    def hold(self, kind: str) -> None:
        """Let work of a kind begin and not end."""
        self._gates[kind] = Event()

    def let_go(self, kind: str) -> None:
        self._gates[kind].set()

    def reset(self) -> None:
        """Let go of everything, and work well again."""
        for gate in self._gates.values():
            gate.set()
        self._gates.clear()
        self.failing.clear()
        self.asked.clear()

    def cancel(self, name: str) -> Task:
        return self.store.cancel(name)

    def begin(self, kind: str, request: Message, result: Callable[[Task], Message]) -> Task:
        """Return the task of a request; its work begins with the first call only."""
        request_id, parent = getattr(request, "request_id"), getattr(request, "parent_task")  # noqa: B009
        self.asked[request_id] += 1
        self.received.setdefault(kind, []).append(request)
        task = self.store.create("demo", kind, request, request_id=request_id, parent_task=parent)
        if task.name not in self.begun:
            self.begun.append(task.name)
            Thread(target=self._work, args=(task, result), daemon=True).start()
        return task

    def wait_for_work(self, kind: str, workflow: str) -> Task:
        """Return the task of a workflow's stage as soon as its work is under way."""
        parent = workflow.replace("/workflows/", "/tasks/")
        while True:
            for task in self.store.list("projects/demo")[0]:
                if task.kind == kind and task.parent_task == parent and task.start_time.seconds:
                    return task
            time.sleep(0.02)

    def _work(self, task: Task, result: Callable[[Task], Message]) -> None:
        self.store.start(task.name)
        self.store.log(task.name, "INFO", f"{task.kind}.work", f"{task.kind} is under way", rows=3)
        if task.kind == "train":
            self.store.fact(task.name, TrainProgress(run=RUN, trials_done=1, metric="roc_auc", score=0.9))
        self.store.progress(task.name, 0.5, "fit")
        gate = self._gates.get(task.kind)
        if gate is not None:
            gate.wait()
        if task.kind in self.failing:
            self.store.fail(task.name, self.failing[task.kind])
        else:
            self.store.succeed(task.name, result(task))


class Profiler(Peer, DatasetServiceServicer, ProfileServiceServicer):
    """Knows one dataset."""

    def __init__(self, home: Path, events: EventLog) -> None:
        self.guess = GUESS
        self.profile = profile_pb2.Profile()
        super().__init__("profiler", home, events)

    def register(self, server: RpcServer) -> None:
        super().register(server)
        datasets = dataset_service_pb2.DESCRIPTOR.services_by_name["DatasetService"]
        profiles = profile_service_pb2.DESCRIPTOR.services_by_name["ProfileService"]
        server.add(add_DatasetServiceServicer_to_server, self, datasets)
        server.add(add_ProfileServiceServicer_to_server, self, profiles)

    def GetDatasetVersion(
        self, request: dataset_service_pb2.GetDatasetVersionRequest, context: grpc.ServicerContext
    ) -> dataset_service_pb2.GetDatasetVersionResponse:
        if request.name not in (VERSION, "projects/demo/datasets/adult/versions/latest"):
            raise NotFound(f"there is no dataset version '{request.name}'", resource=request.name)
        fields = [dataset_pb2.Field(name=column, type="VARCHAR") for column in COLUMNS]
        version = dataset_pb2.DatasetVersion(name=VERSION, file_name="adult.csv", row_count=1000, fields=fields)
        return dataset_service_pb2.GetDatasetVersionResponse(dataset_version=version)

    def CreateProfile(
        self, request: profile_service_pb2.CreateProfileRequest, context: grpc.ServicerContext
    ) -> profile_service_pb2.CreateProfileResponse:
        def result(_task: Task) -> Message:
            target = request.target if request.target.column else Target(column=self.guess)
            self.profile = profile_pb2.Profile(
                name=f"{VERSION}/profile",
                row_count=1000,
                target=target,
                task_type=TASK_TYPE_BINARY,
                preparation_suggestions=[step("impute-age", 0.9), step("scale", 0.8), step("drop-num", 0.2)],
                model_suggestions=[
                    ModelSuggestion(id="lightgbm", family="lightgbm", confidence=0.9),
                    ModelSuggestion(id="linear", family="linear", confidence=0.5),
                ],
            )
            return self.profile

        return profile_service_pb2.CreateProfileResponse(task=self.begin("profile", request, result))

    def GetProfile(
        self, request: profile_service_pb2.GetProfileRequest, context: grpc.ServicerContext
    ) -> profile_service_pb2.GetProfileResponse:
        if request.name != self.profile.name:
            raise NotFound(f"there is no profile '{request.name}'", resource=request.name)
        return profile_service_pb2.GetProfileResponse(profile=self.profile)


class Trainer(Peer, PreparationServiceServicer, RunServiceServicer):
    """Trains in no time; how good the winner is can be set."""

    def __init__(self, home: Path, events: EventLog) -> None:
        self.score = 0.9
        super().__init__("trainer", home, events)

    def register(self, server: RpcServer) -> None:
        super().register(server)
        preparations = preparation_service_pb2.DESCRIPTOR.services_by_name["PreparationService"]
        runs = run_service_pb2.DESCRIPTOR.services_by_name["RunService"]
        server.add(add_PreparationServiceServicer_to_server, self, preparations)
        server.add(add_RunServiceServicer_to_server, self, runs)

    def CreatePreparation(
        self, request: preparation_service_pb2.CreatePreparationRequest, context: grpc.ServicerContext
    ) -> preparation_service_pb2.CreatePreparationResponse:
        made = preparation_pb2.Preparation(
            name=PREPARATION,
            dataset_version=request.dataset_version,
            task_type=TASK_TYPE_BINARY,
            input_row_count=1000,
            output_row_count=990,
        )
        task = self.begin("prepare", request, lambda _task: made)
        return preparation_service_pb2.CreatePreparationResponse(task=task)

    def CreateRun(
        self, request: run_service_pb2.CreateRunRequest, context: grpc.ServicerContext
    ) -> run_service_pb2.CreateRunResponse:
        return run_service_pb2.CreateRunResponse(task=self.begin("train", request, lambda _task: self._run()))

    def GetRun(
        self, request: run_service_pb2.GetRunRequest, context: grpc.ServicerContext
    ) -> run_service_pb2.GetRunResponse:
        if request.name != RUN:
            raise NotFound(f"there is no run '{request.name}'", resource=request.name)
        return run_service_pb2.GetRunResponse(run=self._run())

    def ExportRun(
        self, request: run_service_pb2.ExportRunRequest, context: grpc.ServicerContext
    ) -> run_service_pb2.ExportRunResponse:
        manifest = model_pb2.ModelManifest(runtime=model_pb2.MODEL_RUNTIME_ONNX)
        made = model_pb2.ModelVersion(name=MODEL_VERSION, run=RUN, manifest=manifest, aliases=["champion"])
        return run_service_pb2.ExportRunResponse(task=self.begin("export", request, lambda _task: made))

    def _run(self) -> run_pb2.Run:
        return run_pb2.Run(
            name=RUN,
            metric="roc_auc",
            metrics={"roc_auc": self.score},
            baseline_metrics={"roc_auc": 0.5},
            holdout_row_count=200,
        )
