"""What the work sees of its task, inside the child process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from google.protobuf.message import Message
from sqlalchemy.exc import SQLAlchemyError

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import ResourceExhausted, Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.publisher import Fact
from fairlead.kit.tasks.store import TaskStore

_LOG = get_logger("fairlead.tasks")
M = TypeVar("M", bound=Message)


class TaskContext:
    """One attempt at one task: its request, and the ways to tell how far it is.

    Telling never ends the work: where the database or the event log is busy, away or full, what could not be told is
    in the log of the service, and the work goes on.
    """

    def __init__(self, store: TaskStore, task: Task) -> None:
        self._store = store
        self._task = task

    @property
    def task(self) -> Task:
        """The task as it stood when this attempt began; attempt > 1 after a restart."""
        return self._task

    def request(self, message_class: type[M]) -> M:
        """Return the request that made the task. Raises FailedPrecondition where it is of another type."""
        return self._store.request(self._task.name, message_class)

    def progress(self, value: float, stage: str = "", resource: str = "") -> None:
        """Say how far the work is (0..1); an empty stage or resource leaves the one there is. Cheap to call often.

        What could not be kept is made good by the next call.
        """
        with self._told_if_possible(f"progress {value} {stage} {resource}"):
            self._store.progress(self._task.name, value, stage, resource, attempt=self._task.attempt)

    def fact(self, fact: Fact) -> None:
        """Publish a fact of the work's domain, such as a trial that ended; it may be missing after an outage."""
        with self._told_if_possible(f"fact {fact.DESCRIPTOR.name}"):
            self._store.fact(self._task.name, fact)

    def log(self, source: str, message: str, *, level: str = "INFO", **meta: object) -> None:
        """Publish a log line, durable and in order when this returns; meta holds its figures, for machines.

        Where the event log can't take it, the line is in the log of the service only. Raises InvalidArgument for an
        unknown level.
        """
        with self._told_if_possible(f"{level} | {source} | {message}"):
            self._store.log(self._task.name, level, source, message, **meta)

    @contextmanager
    def _told_if_possible(self, what: str) -> Iterator[None]:
        try:
            yield
        except (Unavailable, ResourceExhausted, SQLAlchemyError, OSError):
            _LOG.exception("the work goes on without telling", task=self._task.name, untold=what)
