"""Tasks and log lines from the event log into SQL, each event once."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag
from threading import Thread
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Event, EventLog, Subscription, topics
from fairlead.kit.logging import get_logger

from ..domain.task_states import is_ended
from .projected_events import TaskRecord, microseconds, records_of
from .schema import consumed_offsets, projected_tasks, task_records

GROUP = "gateway"
TOPICS = (topics.TASKS, topics.LOGS)
RETRY_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
DRAIN_POLLS = 20

_log = get_logger("fairlead.gateway.projection")


class TaskProjection:
    """Follows the event log on a thread of its own; tells a listener which tasks changed."""

    def __init__(
        self, engine: Engine, events: EventLog, changed: Callable[[set[str]], None], history_days: float = 30.0
    ) -> None:
        self._engine = engine
        self._events = events
        self._changed = changed
        self._history_us = int(history_days * 86400 * 1e6)
        self._next_prune = 0.0
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="task-projection", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """Stop following; what was applied is committed."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._events.subscribe(TOPICS, GROUP) as subscription:
                    while not self._stopping.is_set():
                        self._step(subscription)
            except Exception:  # noqa: BLE001
                # Whatever it was, what is not committed comes again; giving up would leave every task standing still.
                _log.exception("projecting tasks failed; trying again", seconds=RETRY_SECONDS)
                self._stopping.wait(RETRY_SECONDS)

    def _step(self, subscription: Subscription) -> None:
        batch = subscription.poll(timeout=0.5)
        # The last log lines of a task are published before its end, yet may be polled after it: take them along.
        for _ in range(DRAIN_POLLS):
            if not batch or not (more := subscription.poll(timeout=0.0)):
                break
            batch += more
        if batch:
            changed = self.apply(batch)
            subscription.commit()
            self._changed(changed)
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + PRUNE_SECONDS
            self.prune(time.time_ns() // 1000)

    def apply(self, batch: Sequence[Event]) -> set[str]:
        """Store a batch of events in one transaction and return the names of the tasks they are about.

        Events that were stored before change nothing. An event that can't be read is logged and left out.
        """
        by_topic = [[event for event in batch if event.topic == topic] for topic in TOPICS]
        records = [record for event in heapq.merge(*by_topic, key=_time) for record in _readable(event)]
        with self._engine.begin() as connection:
            fresh = _unseen(connection, records)
            for task in {record.task: record.state for record in fresh if record.state is not None}.values():
                _store_task(connection, task)
            if fresh:
                connection.execute(insert(task_records), [record.row() for record in fresh])
            for events in by_topic:
                if events:
                    _store_offset(connection, events[-1].topic, events[-1].offset)
        return {record.task for record in fresh}

    def prune(self, now_us: int) -> int:
        """Drop the records of tasks that ended longer ago than the history reaches; return how many went."""
        old = select(projected_tasks.c.name).where(projected_tasks.c.end_us < now_us - self._history_us)
        with self._engine.begin() as connection:
            return connection.execute(delete(task_records).where(task_records.c.task.in_(old))).rowcount


def _time(event: Event) -> Any:
    return event.time


def _readable(event: Event) -> Iterable[TaskRecord]:
    try:
        return records_of(event)
    except InvalidArgument as error:
        _log.error("an event can't be read and is left out", topic=event.topic, offset=event.offset, why=error.message)
        return ()


def _unseen(connection: Connection, records: Sequence[TaskRecord]) -> list[TaskRecord]:
    ids = {record.event_id for record in records}
    query = select(task_records.c.event_id, task_records.c.type).where(task_records.c.event_id.in_(ids))
    seen = {(row.event_id, row.type) for row in connection.execute(query)}
    unseen = {(record.event_id, record.type): record for record in records}
    return [record for key, record in unseen.items() if key not in seen]


def _store_task(connection: Connection, task: Task) -> None:
    project, _, task_id = task.name.removeprefix("projects/").partition("/tasks/")
    values = {
        "project": project,
        "task_id": task_id,
        "kind": task.kind,
        "state": task.state,
        "parent_task": task.parent_task,
        "create_us": microseconds(task.create_time),
        "end_us": microseconds(task.end_time) if is_ended(task.state) else None,
        "task": task.SerializeToString(),
    }
    same = projected_tasks.c.name == task.name
    if connection.execute(update(projected_tasks).where(same).values(values)).rowcount == 0:
        connection.execute(insert(projected_tasks).values(name=task.name, **values))


def _store_offset(connection: Connection, topic: str, offset: int) -> None:
    same = consumed_offsets.c.topic == topic
    if connection.execute(update(consumed_offsets).where(same).values(event_offset=offset)).rowcount == 0:
        connection.execute(insert(consumed_offsets).values(topic=topic, event_offset=offset))
