"""What one event tells about a task, as rows of the projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.events.v1.events_pb2 import StageStatus, TaskEvent, TrainProgress
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit.events import Event, topics

from ..domain.task_states import is_ended

RecordType = Literal["TASK", "LOG", "STAGE_STATUS", "TRAIN_PROGRESS"]
MESSAGES: dict[str, type[Task | LogLine | StageStatus | TrainProgress]] = {
    "TASK": Task,
    "LOG": LogLine,
    "STAGE_STATUS": StageStatus,
    "TRAIN_PROGRESS": TrainProgress,
}


@dataclass(frozen=True)
class TaskRecord:
    """One thing that happened to a task; state is the task as it then stood, where the event tells it."""

    task: str
    type: RecordType
    event_id: str
    time_us: int
    ended: bool
    payload: bytes
    state: Task | None

    def row(self) -> dict[str, Any]:
        """Return the row of task_records, without its sequence."""
        return {name: value for name, value in vars(self).items() if name != "state"}


def records_of(event: Event) -> tuple[TaskRecord, ...]:
    """Return what an event of fairlead.tasks or fairlead.logs tells. Raises InvalidArgument where it is another's.

    A fact is a record of its own; the end of a task is a TASK record also where a fact came with it.
    """
    time_us = round(event.time.timestamp() * 1e6)
    if event.topic == topics.LOGS:
        line = event.unpack(LogLine)
        return (TaskRecord(line.task, "LOG", event.id, time_us, False, event.payload, None),)
    told = event.unpack(TaskEvent)
    task, ended = told.task, is_ended(told.task.state)
    of_task = TaskRecord(task.name, "TASK", event.id, time_us, ended, task.SerializeToString(), task)
    fact = told.WhichOneof("fact")
    if fact is None:
        return (of_task,)
    payload = getattr(told, fact).SerializeToString()
    kind: RecordType = "STAGE_STATUS" if fact == "stage_status" else "TRAIN_PROGRESS"
    of_fact = TaskRecord(task.name, kind, event.id, time_us, False, payload, task)
    return (of_fact, of_task) if ended else (of_fact,)


def microseconds(timestamp: Timestamp) -> int:
    """Return microseconds since 1970 UTC."""
    return timestamp.ToMicroseconds()
