"""One workflow under way, as its stages see it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from fairlead.api.conductor.v1.workflow_pb2 import Stage, StageState, Workflow
from fairlead.api.events.v1.events_pb2 import StageStatus
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED, TASK_STATE_SUCCEEDED
from fairlead.kit.errors import Cancelled, DeadlineExceeded, Unavailable
from fairlead.kit.tasks import TaskStore

from ..domain.progress import overall
from .peers import Peers
from .records import WorkflowRecords

T = TypeVar("T")

# A service that is away, too busy, or just being stopped with the call under way.
_AWAY = (Unavailable, DeadlineExceeded, Cancelled)
ENDED_TASKS = frozenset({TASK_STATE_SUCCEEDED, TASK_STATE_FAILED, TASK_STATE_CANCELLED})
ENDED = frozenset({StageState.STAGE_STATE_SUCCEEDED, StageState.STAGE_STATE_FAILED, StageState.STAGE_STATE_CANCELLED})


class Interrupted(BaseException):
    """The conductor stops; what was under way goes on at its next start.

    Not an Exception, so that the durable engine does not record it as how the step ended.
    """


class Job:
    """A workflow's record, task and peers."""

    def __init__(
        self,
        name: str,
        records: WorkflowRecords,
        tasks: TaskStore,
        peers: Peers,
        stopping: Event,
        patience_seconds: float,
    ) -> None:
        self.name = name
        self.peers = peers
        self.tasks = tasks
        self.records = records
        self._stopping = stopping
        self._patience = patience_seconds

    @property
    def workflow(self) -> Workflow:
        """Return the workflow as it stands."""
        return self.records.get(self.name)

    @property
    def task(self) -> str:
        """Return the name of the workflow's own task."""
        return self.name.replace("/workflows/", "/tasks/")

    @property
    def project(self) -> str:
        """Return the name of the project, projects/{project}."""
        return "/".join(self.name.split("/")[:2])

    def request_id(self, stage: str) -> str:
        """Return the id that makes a stage's call safe to repeat."""
        return f"{self.name.rsplit('/', 1)[-1]}-{stage}"

    def change(self, edit: Callable[[Workflow], None]) -> Workflow:
        """Change and store the workflow."""
        return self.records.change(self.name, edit)

    def set_stage(
        self, stage: str, state: StageState.ValueType, summary: str | None = None, task: str | None = None
    ) -> None:
        """Store and publish where a stage stands; None leaves the summary or task as it is."""

        def edit(workflow: Workflow) -> None:
            found = stage_of(workflow, stage)
            found.state = state
            found.summary = found.summary if summary is None else summary
            found.task = found.task if task is None else task
            if state == StageState.STAGE_STATE_RUNNING and not found.HasField("start_time"):
                found.start_time.GetCurrentTime()
            if state in ENDED:
                found.end_time.GetCurrentTime()
            waiting = state == StageState.STAGE_STATE_WAITING
            workflow.state = "waiting" if waiting else "running"

        workflow = self.change(edit)
        self.tasks.fact(self.task, StageStatus(workflow=self.name, stage=stage_of(workflow, stage)))
        done = 1.0 if state == StageState.STAGE_STATE_SUCCEEDED else 0.0
        self.tasks.progress(self.task, overall(stage, done), stage)

    def log(self, source: str, message: str, level: str = "INFO") -> None:
        """Print a line to the workflow's log."""
        self.tasks.log(self.task, level, source, message)

    def check(self) -> None:
        """Raise Cancelled where someone cancelled the workflow, Interrupted where the conductor stops."""
        if self._stopping.is_set():
            raise Interrupted
        if self.tasks.get(self.task).state == TASK_STATE_CANCELLED:
            raise Cancelled("the workflow was cancelled")

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the conductor stops."""
        self._stopping.wait(seconds)

    def patiently(self, call: Callable[[], T], even_cancelled: bool = False) -> T:
        """Return what a call to another service answers, made again and again while that service is away.

        Raises Unavailable after a while, Interrupted, and Cancelled unless the call is for a cancelled workflow too.
        """
        deadline = time.monotonic() + self._patience
        told = False
        while True:
            if self._stopping.is_set():
                raise Interrupted
            if not even_cancelled:
                self.check()
            try:
                return call()
            except _AWAY as error:
                if time.monotonic() > deadline:
                    late = f"a service stayed away for {self._patience:.0f} s ({error.message}); see that it runs"
                    raise Unavailable(late) from error
                if not told:
                    self.log("conductor", f"waiting for a service that is away: {error.message}", level="WARNING")
                    told = True
            self.pause(0.5)


def stage_of(workflow: Workflow, stage: str) -> Stage:
    """Return a workflow's stage by its id."""
    return next(found for found in workflow.stages if found.id == stage)
