"""The durable engine: DBOS runs the stages one by one and remembers which have ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from threading import Condition, Lock
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, DBOSConfig, Queue, SetWorkflowID, StepOptions
from sqlalchemy import Engine

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_PENDING, TASK_STATE_RUNNING, Task
from fairlead.kit.database import is_postgresql, open_database
from fairlead.kit.errors import Aborted, FailedPrecondition
from fairlead.kit.tasks import TaskStore

from ..stages import STAGES
from .durable_steps import ASK, CANCEL, ENDED, Steps
from .records import WorkflowRecords

P = ParamSpec("P")
R = TypeVar("R")

EXECUTOR = "conductor"
# Of DBOS's own tables on PostgreSQL.
SCHEMA = "conductor_steps"
# Workflows are taken up again by the same version only; raise it where stages change their order or meaning.
VERSION = "1"
_TOPIC = "review"
_UNDER_WAY = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
_POLL_SECONDS = 0.25
_REVIEW_SECONDS = 5.0
_CLOSE_SECONDS = 8.0
# What fails outside a stage's own work, such as a database that is locked or away, is tried again after 1, 2, 4, 8,
# 16, 32 seconds.
_TRY_AGAIN = StepOptions(retries_allowed=True, interval_seconds=1.0, max_attempts=7, backoff_rate=2.0)


class WorkflowEngine:
    """Starts workflows and takes them up again after a restart."""

    def __init__(self, url: str, steps: Steps, records: WorkflowRecords, tasks: TaskStore, review_days: float) -> None:
        self._steps = steps
        self._records = records
        self._tasks = tasks
        self._review_seconds = review_days * 24 * 3600
        self._one_review = Lock()
        self._active = 0
        self._changed = Condition()
        _log_as_we_do()
        # On SQLite, DBOS opens the database in its own way.
        self._database = open_database(url, SCHEMA) if is_postgresql(url) else None
        DBOS(config=_config(url, self._database))

        # DBOS registers plain functions only.
        async def job(name: str) -> None:
            await self._run(name)

        self._job = DBOS.workflow(name="job")(job)
        self._queue: Queue | None = None

    def launch(self) -> None:
        """Begin to run, first what an earlier process left under way."""
        DBOS.launch()
        # Started through a queue, a workflow lives on DBOS's event loop: one that waits for a person holds no thread.
        self._queue = DBOS.register_queue("workflows", polling_interval_sec=_POLL_SECONDS)

    def start(self, name: str) -> None:
        """Run a workflow, unless it was started before; only after launch()."""
        assert self._queue is not None
        with SetWorkflowID(_id(name)):
            self._queue.enqueue(self._job, name)

    def resume(self, name: str) -> None:
        """Start a workflow that an earlier process accepted only, and end one that can't be gone on with."""
        known = DBOS.get_workflow_status(_id(name))
        if known is None:
            self.start(name)
        elif known.status in _UNDER_WAY and known.app_version == VERSION:
            return
        elif self._tasks.get(_task(name)).state in (TASK_STATE_PENDING, TASK_STATE_RUNNING):
            self._steps.give_up(name, Aborted("this conductor can't go on with the workflow; start it again"))

    def review(self, name: str, approve: bool, comment: str) -> None:
        """Answer a waiting review and return once the workflow goes on. Raises NotFound, FailedPrecondition."""
        with self._one_review:
            if self._records.get(name).state != "waiting":
                raise FailedPrecondition(f"{name} does not wait for a review", resource=name)
            DBOS.send(_id(name), {"approve": approve, "comment": comment}, _TOPIC)
            deadline = time.monotonic() + _REVIEW_SECONDS
            while self._records.get(name).state == "waiting" and time.monotonic() < deadline:
                time.sleep(0.05)

    def cancel(self, name: str) -> Task:
        """Cancel the task of a workflow, and with it the task of its stage. An ended one stays as it is."""
        task = self._tasks.cancel(name)
        workflow = name.replace("/tasks/", "/workflows/")
        if DBOS.get_workflow_status(_id(workflow)) is not None:
            # Wakes a review that waits; a stage that runs looks at the task's state by itself.
            DBOS.send(_id(workflow), CANCEL, _TOPIC)
        return task

    def close(self) -> None:
        """Stop, once the steps under way have noticed; workflows under way go on at the next launch."""
        with self._changed:
            self._changed.wait_for(lambda: self._active == 0, _CLOSE_SECONDS)
        # That it leaves what waits for a person is no news.
        logging.getLogger("dbos").setLevel(logging.ERROR)
        DBOS.destroy()
        if self._database is not None:
            self._database.dispose()

    async def _run(self, name: str) -> None:
        await asyncio.to_thread(self._counted, self._steps.begin, name)
        for stage in STAGES:
            outcome = await self._step("stage", self._steps.run_stage, name, stage.id)
            if outcome == ASK:
                answer: dict[str, Any] | None = await DBOS.recv_async(_TOPIC, self._review_seconds)
                outcome = await self._step("answer", self._steps.take_answer, name, answer)
            if outcome == ENDED:
                return
        await self._step("finish", self._steps.finish, name)

    async def _step(self, step: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def counted() -> R:
            return self._counted(work, *args, **kwargs)

        done: R = await DBOS.run_step_async({**_TRY_AGAIN, "name": step}, counted)
        return done

    def _counted(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self._changed:
            self._active += 1
        try:
            return work(*args, **kwargs)
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()


def _config(url: str, database: Engine | None) -> DBOSConfig:
    config = DBOSConfig(
        name="fairlead-conductor",
        system_database_url=url,
        executor_id=EXECUTOR,
        application_version=VERSION,
        log_level="WARNING",
        notification_listener_polling_interval_sec=_POLL_SECONDS,
    )
    if database is not None:
        config["system_database_engine"] = database
        config["dbos_system_schema"] = SCHEMA
    return config


def _log_as_we_do() -> None:
    """Send what DBOS logs the way of all other lines; it would write lines of its own shape otherwise."""
    dbos = logging.getLogger("dbos")
    dbos.handlers = [logging.NullHandler()]
    dbos.propagate = True


def _id(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _task(name: str) -> str:
    return name.replace("/workflows/", "/tasks/")
