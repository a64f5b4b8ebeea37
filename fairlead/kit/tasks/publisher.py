"""Tells the event log what became of tasks, after the commit, exactly as they now stand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine, select, update

from fairlead.api.events.v1.events_pb2 import StageStatus, TaskEvent, TrainProgress
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_FAILED
from fairlead.kit.events import EventLog, topics
from fairlead.kit.logging import get_logger
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks.log_lines import format_line, make_line
from fairlead.kit.tasks.schema import TASK_NAME, task_of, tasks

_LOG = get_logger("fairlead.tasks")
_SEVERITY = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}

Fact = StageStatus | TrainProgress


class TaskPublisher:
    """Publishes task events and log lines, keyed by the task's name."""

    def __init__(self, engine: Engine, events: EventLog) -> None:
        self._engine = engine
        self._events = events
        self._one_line = threading.Lock()

    def publish(self, name: str, fact: Fact | None = None, *, fact_id: str = "", again: bool = False) -> None:
        """Publish the task as it now stands, unless the event log has that already and there is no fact to tell.

        `fact_id` is the id of a fact that may be told twice; `again` tells what was told, as the same event.
        A failure is told as a log line too, first: whoever follows the lines stops at the end of the task.
        The row stays locked meanwhile, so that no process can publish an older state after a newer one.
        """
        task_id = parse_name(TASK_NAME, name)["task"]
        with self._engine.begin() as connection:
            row = connection.execute(select(tasks).where(tasks.c.id == task_id).with_for_update()).one()
            if fact is None and row.published_revision == row.revision and not again:
                return
            if row.state == TASK_STATE_FAILED and row.published_revision < row.revision:
                self.line(name, "ERROR", row.owner, row.error, {}, id=f"{task_id}.{row.revision}.error")
            event = TaskEvent(task=task_of(row), revision=row.revision)
            if isinstance(fact, StageStatus):
                event.stage_status.CopyFrom(fact)
            elif isinstance(fact, TrainProgress):
                event.train_progress.CopyFrom(fact)
            # A fact is told once, when it comes, or has an id of its teller's. A state may be told again where its
            # publisher died before the commit below, and is known by its id then.
            event_id = f"{task_id}.{row.revision}" if fact is None else fact_id
            self._events.publish(topics.TASKS, name, event, id=event_id)
            connection.execute(update(tasks).where(tasks.c.id == task_id).values(published_revision=tasks.c.revision))

    def line(
        self, name: str, level: str, source: str, message: str, meta: Mapping[str, object], *, id: str = ""
    ) -> None:
        """Publish one log line, durable when this returns, and write it to the log of the service."""
        parse_name(TASK_NAME, name)
        with self._one_line:
            line = make_line(name, datetime.now(UTC), level, source, message, meta)
            self._events.publish(topics.LOGS, name, line, id=id)
        _LOG.log(_SEVERITY[level], format_line(line), task=name)
