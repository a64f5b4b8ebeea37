"""One machine's home with a conductor process between the test's peers; it can be started, stopped and killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from fairlead.api.conductor.v1 import workflow_service_pb2 as pb
from fairlead.api.conductor.v1.workflow_pb2 import Stage, StageState, Workflow, WorkflowSpec
from fairlead.api.conductor.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_PENDING, TASK_STATE_RUNNING, LogLine, Task
from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest, GetTaskRequest
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.events import open_event_log, topics
from fairlead.kit.rpc.channel import connect
from services.conductor.settings import ConductorSettings
from tests import waiting
from tests.data import ROOT
from tests.integration.conductor_peers import GUESS, TOKEN, Profiler, Trainer
from tests.ports import free_port

T = TypeVar("T")
PROJECT = "projects/demo"
_C_CORE = re.compile(r"[IWE]\d{4} ")
ENDED = ("succeeded", "failed", "cancelled")


class House:
    """The conductor, its peers, and what a caller sees of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.events = open_event_log(f"sqlite:///{home}/events.db", source="test")
        self.profiler = Profiler(home, self.events)  # type: ignore[abstract]
        self.trainer = Trainer(home, self.events)  # type: ignore[abstract]
        self.port = free_port(100)
        self.channel = connect(f"127.0.0.1:{self.port}", token=TOKEN)
        self.workflows, self.tasks = WorkflowServiceStub(self.channel), TaskServiceStub(self.channel)
        self.process: subprocess.Popen[bytes] | None = None
        self.settings: dict[str, str] = {}

    def start(self) -> None:
        """Start the conductor and return once it answers."""
        self.launch()
        self.call(lambda: self.workflows.ListWorkflows(pb.ListWorkflowsRequest(parent=PROJECT)))

    def launch(self) -> None:
        environment = os.environ | {
            "FAIRLEAD_HOME": str(self.home),
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
            "FAIRLEAD_CONDUCTOR_ADDRESS": f"127.0.0.1:{self.port}",
            "FAIRLEAD_PROFILER_ADDRESS": self.profiler.address,
            "FAIRLEAD_TRAINER_ADDRESS": self.trainer.address,
            "FAIRLEAD_CONDUCTOR_POLL_SECONDS": "0.05",
            **self.settings,
        }
        with self.log_file.open("ab") as log:
            command = [sys.executable, "-m", "services.conductor"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        assert self.process is not None
        code = self.process.wait(waiting.PATIENCE_SECONDS)
        self.process = None
        return code

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        self.channel.close()
        for peer in (self.profiler, self.trainer):
            peer.reset()
            peer.go_away()
        self.events.close()

    @property
    def conductor_settings(self) -> ConductorSettings:
        """What the conductor reads from its environment."""
        return ConductorSettings(home=self.home, database_url=self.settings.get("FAIRLEAD_DATABASE_URL", ""))

    @property
    def log_file(self) -> Path:
        return self.home / "conductor.log"

    def log_records(self) -> list[dict[str, Any]]:
        """Return what the conductor logged; fails where a line is no JSON object, but for those of gRPC's C core."""
        lines = [line for line in self.log_file.read_text().splitlines() if not _C_CORE.match(line)]
        return [json.loads(line) for line in lines]

    def call(self, ask: Callable[[], T]) -> T:
        """Return the answer, asked for until the conductor is there; the test's own time limit ends it."""
        while True:
            try:
                return ask()
            except Unavailable:
                assert self.process is None or self.process.poll() is None, self.log_file.read_text()
                time.sleep(0.05)

    def reset(self) -> None:
        """End what is under way, and let the peers be as they were at first."""
        listed = self.workflows.ListWorkflows(pb.ListWorkflowsRequest(parent=PROJECT)).workflows
        for name in [workflow.name for workflow in listed if workflow.state not in ENDED]:
            self.cancel(name)
            self.ended(name)
        for peer in (self.profiler, self.trainer):
            peer.reset()
        self.profiler.guess, self.trainer.score = GUESS, 0.9

    def create(self, request_id: str = "", **spec: Any) -> Workflow:
        wish = WorkflowSpec(**({"dataset": "adult"} | spec))
        return self.workflows.CreateWorkflow(
            pb.CreateWorkflowRequest(parent=PROJECT, spec=wish, request_id=request_id)
        ).workflow

    def get(self, name: str) -> Workflow:
        return self.call(lambda: self.workflows.GetWorkflow(pb.GetWorkflowRequest(name=name))).workflow

    def task(self, name: str) -> Task:
        return self.call(lambda: self.tasks.GetTask(GetTaskRequest(name=task_of(name)))).task

    def cancel(self, name: str) -> Task:
        return self.tasks.CancelTask(CancelTaskRequest(name=task_of(name))).task

    def review(self, name: str, approve: bool, comment: str = "") -> Workflow:
        request = pb.ReviewWorkflowRequest(name=name, approve=approve, comment=comment)
        return self.workflows.ReviewWorkflow(request).workflow

    def approve(self, name: str) -> None:
        """Approve as soon as that is asked for: a conductor that starts again may be on its way to asking."""
        while True:
            try:
                self.review(name, approve=True)
                return
            except FailedPrecondition:
                time.sleep(0.05)

    def wait_for(self, name: str, *states: str) -> Workflow:
        while (workflow := self.get(name)).state not in states:
            time.sleep(0.05)
        return workflow

    def ended(self, name: str) -> Workflow:
        """Return a workflow once it has ended, and its task, which is written after it, with it."""
        workflow = self.wait_for(name, *ENDED)
        while self.task(name).state in (TASK_STATE_PENDING, TASK_STATE_RUNNING):
            time.sleep(0.05)
        return workflow

    def ended_stage(self, name: str, stage: str) -> Workflow:
        """Return the workflow once a stage of it has succeeded."""
        while state_of(stage_of(workflow := self.get(name), stage)) != "succeeded":
            time.sleep(0.05)
        return workflow

    def running_again(self, name: str) -> Task:
        """Return a workflow's task once it was started another time."""
        while (task := self.task(name)).attempt < 2 or not task.progress:
            time.sleep(0.05)
        return task

    def wait_for_line(self, name: str, text: str) -> None:
        while not any(text in line.message for line in self.lines(name)):
            time.sleep(0.05)

    def told(self, name: str) -> list[TaskEvent]:
        return [event.unpack(TaskEvent) for event in self.events.replay(topics.TASKS, key=task_of(name))]

    def stages_told(self, name: str) -> list[tuple[str, str]]:
        """Return the stage changes that were published, as (stage, state)."""
        stages = [told.stage_status.stage for told in self.told(name) if told.HasField("stage_status")]
        return [(stage.id, state_of(stage)) for stage in stages]

    def lines(self, name: str) -> list[LogLine]:
        return [event.unpack(LogLine) for event in self.events.replay(topics.LOGS, key=task_of(name))]


def task_of(workflow: str) -> str:
    return workflow.replace("/workflows/", "/tasks/")


def state_of(stage: Stage) -> str:
    return StageState.Name(stage.state).removeprefix("STAGE_STATE_").lower()


def stage_of(workflow: Workflow, name: str) -> Stage:
    return next(stage for stage in workflow.stages if stage.id == name)
