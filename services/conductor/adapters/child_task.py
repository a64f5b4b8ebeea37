"""A task of another service, done for a stage: started once, waited for, its events passed on."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.api.conductor.v1.workflow_pb2 import StageState
from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_SUCCEEDED,
    LogLine,
    Task,
)
from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest, GetTaskRequest
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.kit.errors import Cancelled, FairleadError, error_for
from fairlead.kit.events import EventLog, topics

from ..domain.progress import overall
from .job import Job, stage_of

_ENDED = frozenset({TASK_STATE_SUCCEEDED, TASK_STATE_FAILED, TASK_STATE_CANCELLED})


class ChildTasks:
    """Waits for tasks on behalf of jobs."""

    def __init__(self, events: EventLog, poll_seconds: float) -> None:
        self._events = events
        self._poll_seconds = poll_seconds

    def run(self, job: Job, stage: str, start: Callable[[], Task], owner: TaskServiceStub) -> Task:
        """Start a stage's task, or find it where it was started before, and return it once it has succeeded.

        Raises the error that it failed with, Cancelled where it or the workflow was cancelled.
        """
        try:
            task = job.patiently(start)
            job.set_stage(stage, StageState.STAGE_STATE_RUNNING, task=task.name)
            look = GetTaskRequest(name=task.name)
            while task.state not in _ENDED:
                job.pause(self._poll_seconds)
                task = job.patiently(lambda: owner.GetTask(look).task)
                self._relay(job, task.name)
                job.tasks.progress(job.task, overall(stage, task.progress), stage)
        except Cancelled:
            self._cancel(job, stage, owner)
            raise
        self._relay(job, task.name)
        if task.state == TASK_STATE_FAILED:
            raise error_for(task.error_code, task.error, resource=task.name)
        if task.state == TASK_STATE_CANCELLED:
            raise Cancelled(f"the {task.kind} task was cancelled")
        return task

    def _cancel(self, job: Job, stage: str, owner: TaskServiceStub) -> None:
        """Stop the stage's task where it has one, also one that was started before a restart."""
        task = stage_of(job.workflow, stage).task
        if not task:
            return
        try:
            job.patiently(lambda: owner.CancelTask(CancelTaskRequest(name=task)), even_cancelled=True)
        except FairleadError as error:
            job.log("conductor.cancel", f"{task} could not be cancelled: {error.message}", level="WARNING")

    def _relay(self, job: Job, task: str) -> None:
        """Pass a task's facts and log lines on as the workflow's own, each once."""
        seen, printed = job.records.relayed(job.name, task)
        for event in self._events.replay(topics.TASKS, key=task, after=seen):
            told = event.unpack(TaskEvent)
            if told.HasField("train_progress"):
                job.tasks.fact(job.task, told.train_progress)
                job.records.set_relayed(job.name, task, event.offset, printed)
            seen = event.offset
        for event in self._events.replay(topics.LOGS, key=task, after=printed):
            line = event.unpack(LogLine)
            job.tasks.log(job.task, line.level, line.source, line.message, **dict(line.meta))
            printed = event.offset
            job.records.set_relayed(job.name, task, seen, printed)
        job.records.set_relayed(job.name, task, seen, printed)
