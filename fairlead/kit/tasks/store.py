"""The tasks of one service: their rows, and the events that tell of every change."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import uuid_utils
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_PENDING,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    Task,
    TaskState,
)
from fairlead.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    FairleadError,
    FieldViolation,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from fairlead.kit.events import EventLog
from fairlead.kit.logging import get_logger
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name, require_id
from fairlead.kit.tasks.failures import sentence
from fairlead.kit.tasks.holder import TaskHolder
from fairlead.kit.tasks.publisher import Fact, TaskPublisher
from fairlead.kit.tasks.schema import ACTIVE, ANY_PROJECT, ENDED, PROJECT_NAME, TASK_NAME, holders, task_of, tasks
from fairlead.kit.tasks.throttle import Throttle
from fairlead.kit.tracing import inject

PROGRESS_INTERVAL_SECONDS = 0.2
# What the columns take on PostgreSQL.
LONGEST_TEXT = 255
_LOG = get_logger("fairlead.tasks")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class _Progress:
    value: float
    stage: str
    resource: str
    attempt: int | None


class TaskStore:
    """The tasks that a service owns.

    States only go forward (pending, running, then one end), however many processes try: a change names the states it
    may start from in its WHERE. Where `attempt` is given, a change by an older attempt changes nothing.
    """

    def __init__(self, engine: Engine, events: EventLog, owner: str) -> None:
        self._engine = engine
        self._owner = owner
        self._publisher = TaskPublisher(engine, events)
        self._throttle: Throttle[_Progress] = Throttle(PROGRESS_INTERVAL_SECONDS, self._write_progress)
        self._holder: TaskHolder | None = None

    def hold(self, lease_seconds: float) -> TaskHolder:
        """Let tasks that are made from now on be this process's, and return what keeps it known as living."""
        self._holder = TaskHolder(self._engine, self._owner, lease_seconds=lease_seconds)
        return self._holder

    def create(
        self,
        project: str,
        kind: str,
        request: Message,
        *,
        request_id: str = "",
        parent_task: str = "",
        resource: str = "",
    ) -> Task:
        """Return a new pending task, or the one that the same project and request_id made before.

        Raises AlreadyExists where that one has another kind or request, InvalidArgument for a bad project id and for a
        request_id or parent_task that is too long.
        """
        require_id(project, "project")
        for field, given in (("request_id", request_id), ("parent_task", parent_task)):
            if len(given) > LONGEST_TEXT:
                violation = FieldViolation(field, f"must have at most {LONGEST_TEXT} characters")
                raise InvalidArgument(
                    f"{field} is too long; give one of at most {LONGEST_TEXT} characters", violations=[violation]
                )
        carrier: dict[str, str] = {}
        inject(carrier)
        values = {
            "id": f"t{uuid_utils.uuid7().hex}",
            "project": project,
            "kind": kind,
            "owner": self._owner,
            "request_id": request_id or None,
            "request_type": request.DESCRIPTOR.full_name,
            "request": request.SerializeToString(deterministic=True),
            "state": TASK_STATE_PENDING,
            "resource": resource,
            "parent_task": parent_task,
            "traceparent": carrier.get("traceparent", ""),
            "create_time": datetime.now(UTC),
            **{"progress": 0.0, "stage": "", "error": "", "error_code": "", "attempt": 0},
            **{"revision": 1, "published_revision": 0},
            "holder": self._holding(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(tasks).values(values))
        except IntegrityError:
            return self._same_request(project, request_id, kind, request)
        name = TASK_NAME.format(project=project, task=values["id"])
        self._tell(name)
        return self.get(name)

    def get(self, name: str) -> Task:
        """Return a task; "-" for its project stands for any (google.aip.dev/159). Raises NotFound."""
        return task_of(self._row(name, in_any=True))

    def list(self, parent: str, page_size: int = 0, page_token: str = "") -> tuple[builtins.list[Task], str]:
        """Return a page of a project's tasks, newest first, and the next page's token, "" at the end."""
        project = parse_name(PROJECT_NAME, parent)["project"]
        limit = page_limit(page_size)
        query = select(tasks).where(tasks.c.project == project).order_by(tasks.c.id.desc()).limit(limit + 1)
        if before := decode_token(page_token):
            query = query.where(tasks.c.id < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        token = encode_token(rows[limit - 1].id) if len(rows) > limit else ""
        return [task_of(row) for row in rows[:limit]], token

    def request(self, name: str, message_class: type[M]) -> M:
        """Return the request that made the task. Raises FailedPrecondition where it is of another type."""
        row = self._row(name)
        expected = message_class.DESCRIPTOR.full_name
        if row.request_type != expected:
            raise FailedPrecondition(f"task '{name}' was made by {row.request_type}, not by {expected}", resource=name)
        return message_class.FromString(row.request)

    def traceparent(self, name: str) -> str:
        """Return the W3C trace that the task was created in, or ""."""
        return str(self._row(name).traceparent)

    def start(self, name: str, resource: str = "") -> Task:
        """Begin a task, or begin it again, with attempt + 1, and return it; an ended task stays as it is."""
        self._throttle.forget(name)
        values: dict[str, Any] = {"state": TASK_STATE_RUNNING, "attempt": tasks.c.attempt + 1}
        values |= {"start_time": datetime.now(UTC), "progress": 0.0, "stage": ""}
        if resource:
            values["resource"] = resource
        self._change(name, ACTIVE, values)
        return self.get(name)

    def progress(
        self, name: str, value: float, stage: str = "", resource: str = "", *, attempt: int | None = None
    ) -> None:
        """Set how far a running task is (0..1); an empty stage or resource leaves the one there is.

        At most five changes a second are told; the first, the last and a new resource always are.
        """
        bounded = min(max(float(value), 0.0), 1.0)
        urgent = bool(resource) or bounded == 1.0
        self._throttle.offer(name, _Progress(bounded, stage, resource, attempt), urgent=urgent)

    def fact(self, name: str, fact: Fact, *, id: str = "") -> None:
        """Publish a fact of the task's domain beside its state; who may tell it twice gives it an `id`.

        Raises NotFound.
        """
        self._row(name)
        self._publisher.publish(name, fact, fact_id=id)

    def log(self, name: str, level: str, source: str, message: str, **meta: object) -> None:
        """Publish a log line of the task; it is durable, and behind the lines before it, when this returns."""
        self.line(name, level, source, message, meta)

    def line(
        self, name: str, level: str, source: str, message: str, meta: Mapping[str, object], *, id: str = ""
    ) -> None:
        """Publish a log line as `log` does, of any meta; who may tell it twice gives it an `id`."""
        self._publisher.line(name, level, source, message, meta, id=id)

    def succeed(self, name: str, result: Message | None, resource: str = "", *, attempt: int | None = None) -> bool:
        """End a task well, with its result. Return False where it had ended already."""
        self._throttle.forget(name)
        values: dict[str, Any] = {"progress": 1.0}
        if result is not None:
            packed = AnyMessage()
            packed.Pack(result, deterministic=True)
            values["result"] = packed.SerializeToString()
        if resource:
            values["resource"] = resource
        return self._end(name, TASK_STATE_SUCCEEDED, values, attempt)

    def fail(self, name: str, error: FairleadError, *, attempt: int | None = None) -> bool:
        """End a task badly. Return False where it had ended already."""
        self._throttle.flush(name)
        self._throttle.forget(name)
        values = {"error": sentence(error), "error_code": error.code.value}
        return self._end(name, TASK_STATE_FAILED, values, attempt)

    def cancel(self, name: str) -> Task:
        """Cancel a task that has not ended, and return it as it then stands. Raises NotFound."""
        self._throttle.forget(name)
        self._end(name, TASK_STATE_CANCELLED, {})
        return task_of(self._row(name))

    def requeue(self, name: str, *, attempt: int | None = None) -> bool:
        """Make an interrupted task pending again. Return False where it was not running."""
        values = {"state": TASK_STATE_PENDING, "progress": 0.0, "stage": ""}
        return self._change(name, (TASK_STATE_RUNNING,), values, attempt)

    def unfinished(self) -> builtins.list[Task]:
        """Return this owner's tasks that have not ended, oldest first."""
        query = select(tasks).where(tasks.c.owner == self._owner, tasks.c.state.in_(ACTIVE)).order_by(tasks.c.id)
        with self._engine.connect() as connection:
            return [task_of(row) for row in connection.execute(query)]

    def ended(self, task_ids: Iterable[str]) -> set[str]:
        """Return those of these ids whose tasks are this owner's and have ended."""
        query = select(tasks.c.id).where(
            tasks.c.owner == self._owner, tasks.c.id.in_(list(task_ids)), tasks.c.state.in_(ENDED)
        )
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def claim(self, name: str) -> bool:
        """Make a task that has not ended this process's; return False where a living process has it. Raises NotFound.

        Without hold() nobody is asked.
        """
        mine = self._holding()
        if mine is None:
            return True
        held = self._row(name).holder
        if held == mine:
            return True
        ids = parse_name(TASK_NAME, name)
        # Of several that try, the one that is faster.
        take = update(tasks).where(
            tasks.c.id == ids["task"], tasks.c.state.in_(ACTIVE), tasks.c.holder.is_not_distinct_from(held)
        )
        with self._engine.begin() as connection:
            if held and connection.execute(select(holders.c.id).where(holders.c.id == held)).first():
                return False
            return connection.execute(take.values(holder=mine)).rowcount == 1

    def holds(self, name: str) -> bool:
        """Return whether a task is this process's. Raises NotFound."""
        return bool(self._row(name).holder == self._holding())

    def left_behind(self) -> builtins.list[Task]:
        """Return this owner's tasks that have not ended and whose process has, oldest first."""
        gone = ~select(holders.c.id).where(holders.c.id == tasks.c.holder).exists()
        query = select(tasks).where(
            tasks.c.owner == self._owner, tasks.c.state.in_(ACTIVE), tasks.c.holder.is_not(None), gone
        )
        with self._engine.connect() as connection:
            return [task_of(row) for row in connection.execute(query.order_by(tasks.c.id))]

    def close(self) -> None:
        """Write the progress that was held back; to be called before the event log and the database are closed."""
        self._throttle.close()

    def publish_missed(self) -> None:
        """Publish what was committed and not published when a process ended, or the event log was away."""
        query = select(tasks.c.project, tasks.c.id).where(
            tasks.c.owner == self._owner, tasks.c.published_revision < tasks.c.revision
        )
        with self._engine.connect() as connection:
            missed = connection.execute(query.order_by(tasks.c.id)).all()
        for project, task_id in missed:
            if not self._tell(TASK_NAME.format(project=project, task=task_id)):
                # To wait as long for each of the others, holding the row, would hold up the work under way.
                return

    def tell_again(self, name: str) -> None:
        """Publish how a task stands though its worker has: what that one spooled may be gone with its disk."""
        self._tell(name, again=True)

    def _holding(self) -> str | None:
        if self._holder is None:
            return None
        self._holder.enter()
        return self._holder.id

    def _row(self, name: str, *, in_any: bool = False) -> Row[Any]:
        ids = parse_name(TASK_NAME, name)
        query = select(tasks).where(tasks.c.id == ids["task"])
        if not (in_any and ids["project"] == ANY_PROJECT):
            query = query.where(tasks.c.project == ids["project"])
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no task '{name}'", resource=name)
        return row

    def _same_request(self, project: str, request_id: str, kind: str, request: Message) -> Task:
        query = select(tasks).where(tasks.c.project == project, tasks.c.request_id == request_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one()
        asked = (kind, request.DESCRIPTOR.full_name, request.SerializeToString(deterministic=True))
        if (row.kind, row.request_type, row.request) != asked:
            raise AlreadyExists(
                f"request id '{request_id}' was used for another request in project '{project}'; use a new one",
                resource=task_of(row).name,
            )
        return task_of(row)

    def _write_progress(self, name: str, progress: _Progress) -> None:
        values: dict[str, Any] = {"progress": progress.value}
        if progress.stage:
            values["stage"] = progress.stage
        if progress.resource:
            values["resource"] = progress.resource
        self._change(name, (TASK_STATE_RUNNING,), values, progress.attempt)

    def _end(self, name: str, state: TaskState.ValueType, values: dict[str, Any], attempt: int | None = None) -> bool:
        return self._change(name, ACTIVE, {"state": state, "end_time": datetime.now(UTC), **values}, attempt)

    def _change(
        self,
        name: str,
        allowed: Sequence[TaskState.ValueType],
        values: dict[str, Any],
        attempt: int | None = None,
    ) -> bool:
        """Commit a change, then tell of it. Return False where the task's state or attempt did not allow it."""
        ids = parse_name(TASK_NAME, name)
        change = update(tasks).where(
            tasks.c.id == ids["task"], tasks.c.project == ids["project"], tasks.c.state.in_(allowed)
        )
        if attempt is not None:
            change = change.where(tasks.c.attempt == attempt)
        with self._engine.begin() as connection:
            changed = connection.execute(change.values(revision=tasks.c.revision + 1, **values)).rowcount == 1
        if not changed:
            return False
        self._tell(name)
        return True

    def _tell(self, name: str, *, again: bool = False) -> bool:
        """Tell how the task stands, now or later. Return False where the event log or the database is busy."""
        try:
            self._publisher.publish(name, again=again)
        except (FairleadError, SQLAlchemyError, OSError) as error:
            # The change itself is committed and marked; publish_missed() or the next change tells of it.
            _LOG.exception("a task event waits for the event log", task=name)
            return not isinstance(error, Unavailable | SQLAlchemyError)
        return True
