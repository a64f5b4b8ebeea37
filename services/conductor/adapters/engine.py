"""The durable engine: DBOS runs the stages one by one and remembers which have ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from fairlead.api.conductor.v1.workflow_pb2 import StageState, Workflow
from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import Cancelled, FailedPrecondition, FairleadError, Internal
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks import TaskStore

from ..stages import REVIEW, STAGES
from .child_task import ChildTasks
from .job import Job

_log = get_logger("fairlead.conductor")

EXECUTOR = "conductor"
# Workflows are taken up again by the same version only; raise it where stages change their order or meaning.
VERSION = "1"
_TOPIC = "review"
_DONE, _ASK, _ENDED = "done", "ask", "ended"


class WorkflowEngine:
    """Starts workflows and takes them up again after a restart."""

    def __init__(
        self,
        url: str,
        job_of: Callable[[str], Job],
        tasks: TaskStore,
        children: ChildTasks,
        review_seconds: float,
    ) -> None:
        self._job_of = job_of
        self._tasks = tasks
        self._children = children
        self._review_seconds = review_seconds
        config = DBOSConfig(
            name="fairlead-conductor",
            system_database_url=url,
            executor_id=EXECUTOR,
            application_version=VERSION,
            log_level="WARNING",
            notification_listener_polling_interval_sec=0.2,
        )
        DBOS(config=config)
        # DBOS registers plain functions only.
        self._stage_step = DBOS.step(name="stage")(lambda name, stage: self._run_stage(name, stage))
        self._answer_step = DBOS.step(name="answer")(lambda name, answer: self._take_answer(name, answer))
        self._workflow = DBOS.workflow(name="job")(lambda name: self._run(name))

    def launch(self) -> None:
        """Begin to run, first what an earlier process left under way."""
        DBOS.launch()

    def start(self, name: str) -> None:
        """Run a workflow, unless it was started before."""
        with SetWorkflowID(_id(name)):
            DBOS.start_workflow(self._workflow, name)

    def review(self, name: str, approve: bool, comment: str) -> None:
        """Answer a waiting review. Raises FailedPrecondition where none waits."""
        stage = next(stage for stage in self._job_of(name).workflow.stages if stage.id == REVIEW)
        if stage.state != StageState.STAGE_STATE_WAITING:
            raise FailedPrecondition(f"{name} does not wait for a review", resource=name)
        DBOS.send(_id(name), {"approve": approve, "comment": comment}, _TOPIC)

    def cancel(self, name: str) -> Task:
        """Cancel the task of a workflow, and with it the task of its stage. An ended one stays as it is."""
        task = self._tasks.cancel(name)
        workflow = name.replace("/tasks/", "/workflows/")
        if DBOS.get_workflow_status(_id(workflow)) is not None:
            # Wakes a review that waits; a stage that runs looks at the task's state by itself.
            DBOS.send(_id(workflow), {"cancelled": True}, _TOPIC)
        return task

    def close(self) -> None:
        """Stop; workflows under way go on at the next launch."""
        DBOS.destroy()

    def _run(self, name: str) -> None:
        job = self._job_of(name)
        self._tasks.start(job.task)
        for stage in STAGES:
            outcome = self._stage_step(name, stage.id)
            if outcome == _ASK:
                outcome = self._answer_step(name, DBOS.recv(_TOPIC, self._review_seconds))
            if outcome == _ENDED:
                return
        self._finish(job)

    def _run_stage(self, name: str, stage_id: str) -> str:
        job = self._job_of(name)
        stage = next(stage for stage in STAGES if stage.id == stage_id)
        try:
            job.check()
            job.set_stage(stage_id, StageState.STAGE_STATE_RUNNING)
            summary = stage.run(job, self._children)
        except FairleadError as error:
            return self._end(job, stage_id, error)
        except Exception:  # noqa: BLE001 - whatever a stage fails with must end the workflow, not the thread
            _log.exception("stage failed unexpectedly", workflow=name, stage=stage_id)
            return self._end(
                job, stage_id, Internal(f"the stage {stage_id} failed; the conductor's log has the detail")
            )
        if stage_id == REVIEW and job.workflow.state == "waiting":
            return _ASK
        job.set_stage(stage_id, StageState.STAGE_STATE_SUCCEEDED, summary=summary)
        return _DONE

    def _take_answer(self, name: str, answer: dict[str, Any] | None) -> str:
        job = self._job_of(name)
        if answer is None:
            return self._end(job, REVIEW, FailedPrecondition("nobody reviewed the run in time"))
        if "cancelled" in answer:
            return self._end(job, REVIEW, Cancelled("the workflow was cancelled"))
        comment = f": {answer['comment']}" if answer["comment"] else ""
        if not answer["approve"]:
            return self._end(job, REVIEW, FailedPrecondition(f"a person rejected the run{comment}"))
        job.log("conductor.review", f"a person approved the run{comment}")
        job.set_stage(REVIEW, StageState.STAGE_STATE_SUCCEEDED, summary=f"approved by a person{comment}")
        return _DONE

    def _end(self, job: Job, stage_id: str, error: FairleadError) -> str:
        cancelled = isinstance(error, Cancelled)
        state = StageState.STAGE_STATE_CANCELLED if cancelled else StageState.STAGE_STATE_FAILED
        job.set_stage(stage_id, state, summary=error.message)

        def edit(workflow: Workflow) -> None:
            workflow.state = "cancelled" if cancelled else "failed"
            workflow.error = error.message
            workflow.end_time.GetCurrentTime()

        job.change(edit)
        if cancelled:
            self._tasks.cancel(job.task)
        else:
            self._tasks.fail(job.task, error)
        return _ENDED

    def _finish(self, job: Job) -> None:
        def edit(workflow: Workflow) -> None:
            workflow.state = "succeeded"
            workflow.end_time.GetCurrentTime()

        workflow = job.change(edit)
        self._tasks.succeed(job.task, workflow, resource=workflow.model_version)


def _id(name: str) -> str:
    return name.rsplit("/", 1)[-1]
