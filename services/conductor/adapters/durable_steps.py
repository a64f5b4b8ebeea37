"""What the durable engine runs and remembers, step by step; each is safe to run again after a crash within it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairlead.api.conductor.v1.workflow_pb2 import StageState, Workflow
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED
from fairlead.kit.database import unavailable
from fairlead.kit.errors import Cancelled, FailedPrecondition, FairleadError, Internal
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks import TaskStore
from fairlead.kit.tracing import extract, span

from ..domain.progress import overall
from ..stages import REVIEW, STAGES
from .child_task import ChildTasks
from .job import ENDED as ENDED_STAGES
from .job import Job, stage_of

# What a step answers: the next stage may run, a person must be asked, or the workflow has ended.
DONE, ASK, ENDED = "done", "ask", "ended"
CANCEL = {"cancelled": True}
_log = get_logger("fairlead.conductor")


class Steps:
    """The steps of every workflow, by the workflow's name."""

    def __init__(
        self, job_of: Callable[[str], Job], tasks: TaskStore, children: ChildTasks, review_days: float
    ) -> None:
        self._job_of = job_of
        self._tasks = tasks
        self._children = children
        self._review_days = review_days

    def begin(self, name: str) -> None:
        """Tell that the workflow's task runs, again after a restart, and how far it had come."""
        job = self._job_of(name)
        self._tasks.start(job.task)
        stage = next((stage for stage in job.workflow.stages if stage.state not in ENDED_STAGES), None)
        if stage is not None:
            self._tasks.progress(job.task, overall(stage.id), stage.id)

    def run_stage(self, name: str, stage_id: str) -> str:
        """Run one stage to its end, well or badly. Raises Interrupted where the conductor stops."""
        job = self._job_of(name)
        work = next(stage for stage in STAGES if stage.id == stage_id)
        parent = extract({"traceparent": self._tasks.traceparent(job.task)})
        with span(f"stage {stage_id}", parent, workflow=name):
            try:
                if not stage_of(job.workflow, stage_id).task:
                    # One that has a task already sees for itself that the task is cancelled too.
                    job.check()
                job.set_stage(stage_id, StageState.STAGE_STATE_RUNNING)
                summary = work.run(job, self._children)
            except FairleadError as error:
                return self.end(name, stage_id, error)
            except Exception as error:
                if unavailable(error):
                    # Its own database is away: that ends nothing, and the engine runs the step again.
                    raise
                _log.exception("stage failed unexpectedly", workflow=name, stage=stage_id)
                defect = Internal(
                    f"the stage {stage_id} failed because of a defect; the conductor's log has the detail"
                )
                return self.end(name, stage_id, defect)
        if stage_id == REVIEW and job.workflow.state == "waiting":
            return ASK
        job.set_stage(stage_id, StageState.STAGE_STATE_SUCCEEDED, summary=summary)
        return DONE

    def take_answer(self, name: str, answer: dict[str, Any] | None) -> str:
        """Do what a person answered to the review; None means that nobody did in time."""
        job = self._job_of(name)
        if answer is None:
            late = f"nobody reviewed the run within {self._review_days:g} days; start the workflow again"
            return self.end(name, REVIEW, FailedPrecondition(late))
        if answer == CANCEL:
            return self.end(name, REVIEW, Cancelled("the workflow was cancelled"))
        comment = f": {answer['comment']}" if answer["comment"] else ""
        if not answer["approve"]:
            return self.end(name, REVIEW, FailedPrecondition(f"a person rejected the run{comment}"))
        job.log("conductor.review", f"a person approved the run{comment}")
        figures = stage_of(job.workflow, REVIEW).summary
        job.set_stage(REVIEW, StageState.STAGE_STATE_SUCCEEDED, summary=f"approved by a person{comment} ({figures})")
        return DONE

    def finish(self, name: str) -> None:
        """End a workflow whose stages have all succeeded."""
        job = self._job_of(name)
        workflow = job.workflow
        workflow.state = "succeeded"
        workflow.end_time.GetCurrentTime()
        self._tasks.succeed(job.task, workflow, resource=workflow.model_version)
        # Someone may have cancelled it in this last moment: the task has the say.
        state = "cancelled" if self._tasks.get(job.task).state == TASK_STATE_CANCELLED else "succeeded"
        job.change(lambda stored: _close(stored, state))

    def end(self, name: str, stage_id: str, error: FairleadError) -> str:
        """End a workflow that failed or was cancelled in a stage, and return ENDED."""
        job = self._job_of(name)
        cancelled = isinstance(error, Cancelled)
        state = StageState.STAGE_STATE_CANCELLED if cancelled else StageState.STAGE_STATE_FAILED
        job.set_stage(stage_id, state, summary=error.message)
        job.change(lambda stored: _close(stored, "cancelled" if cancelled else "failed", error.message))
        if cancelled:
            self._tasks.cancel(job.task)
        else:
            self._tasks.fail(job.task, error)
        return ENDED

    def give_up(self, name: str, error: FairleadError) -> None:
        """End a workflow that the engine does not go on with, in the stage that it had come to."""
        stage = next((stage for stage in self._job_of(name).workflow.stages if stage.state not in ENDED_STAGES), None)
        if stage is None:
            self.finish(name)
        else:
            self.end(name, stage.id, error)


def _close(workflow: Workflow, state: str, error: str = "") -> None:
    workflow.state = state
    workflow.error = error
    workflow.end_time.GetCurrentTime()
