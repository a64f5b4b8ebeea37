"""Passing the facts and log lines of a stage's task on as the workflow's own, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from uuid import NAMESPACE_OID, uuid5

from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Event, EventLog, topics
from fairlead.kit.logging import get_logger

from .job import ENDED_TASKS, Job

# A task's events are looked for from so long before its making on: the clocks of two machines differ.
MARGIN = timedelta(minutes=10)

_log = get_logger("fairlead.conductor.relay")


class Relay:
    """Follows one task on behalf of one workflow.

    How far a topic was passed on is stored with the workflow. In memory the relay goes on from the end of the task's
    partition, so that what other tasks publish there is not read again at each look.
    """

    def __init__(self, events: EventLog, job: Job, task: Task) -> None:
        self._events = events
        self._job = job
        self._task = task.name
        self._since = task.create_time.ToDatetime(tzinfo=UTC) - MARGIN
        told, printed = job.records.relayed(job.name, task.name)
        self._stored = {topics.TASKS: told, topics.LOGS: printed}
        self._read = dict(self._stored)
        self._end_told = False

    def look(self) -> bool:
        """Pass on what is new; return whether the task's end was among what was seen. Raises Unavailable."""
        for event in self._new(topics.TASKS):
            self._pass_fact(event)
        for event in self._new(topics.LOGS):
            self._pass_line(event)
        return self._end_told

    def _new(self, topic: str) -> Iterator[Event]:
        """Return what was published on the task since the last look; each is passed on before the next is asked for."""
        end = self._events.end_position(topic, self._task).offset
        if end <= self._read[topic]:
            return
        for event in self._events.replay(topic, key=self._task, after=self._read[topic], since=self._since):
            yield event
            self._read[topic] = event.offset
        self._read[topic] = max(end, self._read[topic])

    def _pass_fact(self, event: Event) -> None:
        try:
            told = event.unpack(TaskEvent)
        except InvalidArgument as error:
            _log.warning("an event of a stage's task can't be read", task=self._task, why=error.message)
            return
        self._end_told = self._end_told or told.task.state in ENDED_TASKS
        if told.HasField("train_progress"):
            self._job.tasks.fact(self._job.task, told.train_progress, id=self._id(event))
            self._store(event)

    def _pass_line(self, event: Event) -> None:
        try:
            line = event.unpack(LogLine)
        except InvalidArgument as error:
            _log.warning("a log line of a stage's task can't be read", task=self._task, why=error.message)
            return
        self._job.tasks.line(self._job.task, line.level, line.source, line.message, dict(line.meta), id=self._id(event))
        self._store(event)

    def _id(self, event: Event) -> str:
        """Return the id of what is passed on of an event: the same where a crash before `_store` repeats it."""
        return str(uuid5(NAMESPACE_OID, f"{self._job.task} {event.topic} {event.id}"))

    def _store(self, event: Event) -> None:
        self._stored[event.topic] = event.offset
        told, printed = self._stored[topics.TASKS], self._stored[topics.LOGS]
        self._job.records.set_relayed(self._job.name, self._task, told, printed)
