"""What one event tells about a task, as rows of the projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.events.v1.events_pb2 import StageStatus, TaskEvent, TrainProgress
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Event, topics
from fairlead.kit.resources import parse_name

from ..domain.task_states import is_ended

TASK_NAME = "projects/{project}/tasks/{task}"
RecordType = Literal["TASK", "LOG", "STAGE_STATUS", "TRAIN_PROGRESS"]
MESSAGES: dict[str, type[Task | LogLine | StageStatus | TrainProgress]] = {
    "TASK": Task,
    "LOG": LogLine,
    "STAGE_STATUS": StageStatus,
    "TRAIN_PROGRESS": TrainProgress,
}


@dataclass(frozen=True)
class TaskRecord:
    """One thing that happened to a task; state is the task as it then stood, at that revision, where it is told."""

    task: str
    type: RecordType
    event_id: str
    time_us: int
    ended: bool
    payload: bytes
    state: Task | None
    revision: int = 0

    def row(self) -> dict[str, Any]:
        """Return the row of task_records, without its sequence."""
        return {name: value for name, value in vars(self).items() if name not in ("state", "revision")}


def records_of(event: Event) -> tuple[TaskRecord, ...]:
    """Return what an event of fairlead.tasks or fairlead.logs tells. Raises InvalidArgument on one that tells nothing.

    A fact is a record of its own; the end of a task is a TASK record also where a fact came with it.
    """
    time_us = round(event.time.timestamp() * 1e6)
    if event.topic == topics.LOGS:
        line = event.unpack(LogLine)
        parse_name(TASK_NAME, line.task)
        return (TaskRecord(line.task, "LOG", event.id, time_us, False, event.payload, None),)
    told = event.unpack(TaskEvent)
    task, ended = told.task, is_ended(told.task.state)
    _check(task)
    of_task = TaskRecord(task.name, "TASK", event.id, time_us, ended, task.SerializeToString(), task, told.revision)
    fact = told.WhichOneof("fact")
    if fact is None:
        return (of_task,)
    payload = getattr(told, fact).SerializeToString()
    kind: RecordType = "STAGE_STATUS" if fact == "stage_status" else "TRAIN_PROGRESS"
    of_fact = TaskRecord(task.name, kind, event.id, time_us, False, payload, task, told.revision)
    return (of_fact, of_task) if ended else (of_fact,)


def microseconds(timestamp: Timestamp) -> int:
    """Return microseconds since 1970 UTC."""
    return timestamp.ToMicroseconds()


def _check(task: Task) -> None:
    parse_name(TASK_NAME, task.name)
    try:
        microseconds(task.create_time)
        microseconds(task.end_time)
    except ValueError as error:
        raise InvalidArgument(f"The task '{task.name}' has a time beyond all calendars: {error}.") from error
