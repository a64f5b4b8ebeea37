"""The work goes on where it can't tell how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Engine, event, select

from fairlead.api.events.v1.events_pb2 import TrainProgress
from fairlead.api.tasks.v1.task_pb2 import LogLine
from fairlead.kit import backends
from fairlead.kit.errors import InvalidArgument, Unavailable
from fairlead.kit.events import EventLog, Retention
from fairlead.kit.events.sqlite import SqliteEventLog
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskContext, TaskStore
from fairlead.kit.tasks.schema import tasks


class BusyLog(SqliteEventLog):
    """An event log as it is once its patience with other writers has run out."""

    def publish(self, topic: str, key: str, message: Message, *, id: str = "") -> None:
        raise Unavailable("The event log is locked by other writers; try again.")


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[EventLog]:
    log = BusyLog(str(tmp_path / "events.db"), source="kit", retention=Retention())
    yield log
    log.close()


@pytest.fixture
def impatient(settings: KitSettings) -> Iterator[Engine]:
    """The same database, opened by one who does not wait for other writers."""
    engine = backends.database(settings)
    hurry = "PRAGMA busy_timeout = 1" if engine.dialect.name == "sqlite" else "SET lock_timeout = '1ms'"
    event.listen(engine, "connect", lambda connection, _record: (connection.execute(hurry), connection.commit()))
    yield engine
    engine.dispose()


def running(store: TaskStore) -> TaskContext:
    return TaskContext(store, store.start(store.create("shop", "fit", StringValue()).name))


def test_work_goes_on_while_the_event_log_is_busy(
    store: TaskStore,
    engine: Engine,
    busy: EventLog,
    lines: Callable[[str], list[LogLine]],
) -> None:
    context = running(TaskStore(engine, busy, "kit"))

    context.progress(1.0, "fit")
    context.fact(TrainProgress(trials_done=1))
    context.log("fit", "an hour has gone by")

    name = context.task.name
    assert (store.get(name).progress, store.get(name).stage) == (1.0, "fit")
    assert lines(name) == []


def test_work_goes_on_while_the_database_is_busy(
    store: TaskStore, engine: Engine, events: EventLog, impatient: Engine
) -> None:
    context = running(store)
    hurried = TaskContext(TaskStore(impatient, events, "kit"), context.task)
    with engine.begin() as connection:
        connection.execute(select(tasks).with_for_update())
        hurried.progress(0.5, "fit", resource="r")
        assert store.get(context.task.name).progress == 0.0

    hurried.progress(0.6, resource="r")
    assert store.get(context.task.name).progress == 0.6


def test_a_level_that_there_is_not_is_a_defect_of_the_work(store: TaskStore) -> None:
    with pytest.raises(InvalidArgument, match="LOUD"):
        running(store).log("fit", "x", level="LOUD")
