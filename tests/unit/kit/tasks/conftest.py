"""A service's store on each kind of database and the real event log, and an owner that runs real child processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.events import EventLog, open_event_log, topics
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import MIGRATIONS, LocalRunner, TaskOwner, TaskStore

WORKER = "tests.unit.kit.tasks.sample_worker"
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> KitSettings:
    return KitSettings(home=tmp_path, database_url=database_url)


@pytest.fixture
def environment(settings: KitSettings) -> dict[str, str]:
    """What child processes are told of the settings."""
    return {"FAIRLEAD_HOME": str(settings.home), "FAIRLEAD_DATABASE_URL": settings.database_url}


@pytest.fixture
def engine(settings: KitSettings) -> Iterator[Engine]:
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    yield engine
    engine.dispose()


@pytest.fixture
def events(settings: KitSettings) -> Iterator[EventLog]:
    events = open_event_log(settings.events_url, source="kit")
    yield events
    events.close()


@pytest.fixture
def store(engine: Engine, events: EventLog) -> TaskStore:
    return TaskStore(engine, events, "kit")


@pytest.fixture
def owner(store: TaskStore, environment: dict[str, str]) -> Iterator[TaskOwner]:
    owner = TaskOwner(store, LocalRunner(WORKER, environment), concurrency=2)
    yield owner
    owner.close()


@pytest.fixture
def told(events: EventLog) -> Callable[[str], list[Task]]:
    """What the event log says of a task, in order."""
    return lambda name: [event.unpack(TaskEvent).task for event in events.replay(topics.TASKS, key=name)]


@pytest.fixture
def lines(events: EventLog) -> Callable[[str], list[LogLine]]:
    """The log lines of a task, in order."""
    return lambda name: [event.unpack(LogLine) for event in events.replay(topics.LOGS, key=name)]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds; the limit is there for a broken build, not for a slow one."""

    def wait(condition: Callable[[], object]) -> None:
        give_up = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < give_up, "it never came to hold"
            time.sleep(0.02)

    return wait
