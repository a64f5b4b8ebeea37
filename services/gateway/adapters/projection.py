"""Tasks and log lines from the event log into SQL, each event once."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event as Flag
from threading import Thread

from prometheus_client import Counter
from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import DataError

from fairlead.kit.database import alone
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Event, EventLog, Subscription, topics
from fairlead.kit.logging import get_logger

from .projected_events import TaskRecord, records_of
from .projected_rows import store_positions, store_records
from .schema import projected_tasks, task_records

GROUP = "gateway"
TOPICS = (topics.TASKS, topics.LOGS)
RETRY_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
DRAIN_POLLS = 20

REJECTED = Counter("fairlead_gateway_events_rejected_total", "Events that could not be used.", ["topic"])

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

        Events that were stored before change nothing. One that can't be used goes to its dead-letter topic, once the
        others are stored: a batch that comes again and again, as the database is away, puts nothing there each time.
        """
        told, unusable = _read(batch)
        positions: dict[tuple[str, int], int] = {}
        for event in batch:
            place = event.topic, event.partition
            positions[place] = max(event.offset, positions.get(place, 0))
        try:
            changed = self._store([record for _, records in told for record in records], positions)
        except DataError:
            # A value that a column can't hold, such as a NUL in a text on PostgreSQL.
            _log.warning("a batch holds what the database refuses; its events are stored one by one")
            changed = set()
            for event, records in told:
                try:
                    changed |= self._store(records, {})
                except DataError as error:
                    # Without the statement and its values, which are the event once more.
                    unusable.append((event, f"the database refuses it: {error.orig}"))
            self._store([], positions)
        for event, reason in unusable:
            self._reject(event, reason)
        return changed

    def _store(self, records: Sequence[TaskRecord], positions: Mapping[tuple[str, int], int]) -> set[str]:
        with self._engine.begin() as connection:
            # Readers go by the records' numbers: those of two gateways must not be committed out of order.
            alone(connection, "projection")
            fresh = store_records(connection, records)
            store_positions(connection, positions)
        return {record.task for record in fresh}

    def _reject(self, event: Event, reason: str) -> None:
        self._events.reject(event, reason, GROUP)
        REJECTED.labels(event.topic).inc()
        place = f"{event.partition}/{event.offset}"
        _log.error("an event can't be used; it is on the dead-letter topic", topic=event.topic, place=place, why=reason)

    def prune(self, now_us: int) -> int:
        """Drop the records of tasks that ended longer ago than the history reaches; return how many went."""
        old = select(projected_tasks.c.name).where(projected_tasks.c.end_us < now_us - self._history_us)
        with self._engine.begin() as connection:
            return connection.execute(delete(task_records).where(task_records.c.task.in_(old))).rowcount


def _read(batch: Sequence[Event]) -> tuple[list[tuple[Event, Sequence[TaskRecord]]], list[tuple[Event, str]]]:
    """Return the events with what they tell, in order, and those that tell nothing with the reason."""
    told: list[tuple[Event, Sequence[TaskRecord]]] = []
    unusable: list[tuple[Event, str]] = []
    for event in _in_order(batch):
        try:
            told.append((event, records_of(event)))
        except InvalidArgument as error:
            unusable.append((event, error.message))
    return told, unusable


def _in_order(batch: Sequence[Event]) -> Iterable[Event]:
    """Return the events as they were published, as far as their times tell; those of a partition keep their order."""
    partitions: dict[tuple[str, int], list[Event]] = {}
    for event in batch:
        partitions.setdefault((event.topic, event.partition), []).append(event)
    return heapq.merge(*partitions.values(), key=lambda event: event.time)
