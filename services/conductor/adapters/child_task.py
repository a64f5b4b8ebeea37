"""A task of another service, done for a stage: started once, waited for, its events passed on."""

from __future__ import annotations

import time
from collections.abc import Callable

from fairlead.api.conductor.v1.workflow_pb2 import StageState
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED, Task
from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest, GetTaskRequest
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.kit.errors import Cancelled, FairleadError, Unavailable, error_for
from fairlead.kit.events import EventLog
from fairlead.kit.logging import get_logger

from ..domain.progress import overall
from .job import ENDED_TASKS, Job, stage_of
from .relay import Relay

# A task may have ended some moments before the event log has its last events.
LAST_WORDS_SECONDS = 10.0

_log = get_logger("fairlead.conductor.stages")


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
            relay = Relay(self._events, job, task)
            while task.state not in ENDED_TASKS:
                job.pause(self._poll_seconds)
                task = job.patiently(lambda: owner.GetTask(look).task)
                self._pass_on(job, relay)
                job.tasks.progress(job.task, overall(stage, task.progress), stage)
            self._pass_on(job, relay, all_of_it=True)
        except Cancelled:
            self._cancel(job, stage, owner)
            raise
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

    def _pass_on(self, job: Job, relay: Relay, *, all_of_it: bool = False) -> None:
        """Pass on what the task has told by now; once it has ended, wait for its last words for a while."""
        give_up = time.monotonic() + LAST_WORDS_SECONDS
        while True:
            try:
                complete = relay.look()
            except Unavailable as error:
                # What the event log holds back is passed on at the next look.
                _log.warning("the event log is away; a stage's news waits", workflow=job.name, why=error.message)
                complete = False
            if complete or not all_of_it or time.monotonic() > give_up:
                return
            job.check()
            job.pause(self._poll_seconds)
