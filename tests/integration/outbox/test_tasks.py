"""A task's row and its events agree after a kill, wherever it struck."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.events import Event, EventLog, topics
from fairlead.kit.tasks import MIGRATIONS, TaskStore
from services.gateway.adapters.projection import TaskProjection
from services.gateway.adapters.schema import MIGRATIONS as GATEWAY_TABLES
from services.gateway.adapters.task_view import TaskView

from .dying import When, settings_of, spawn

CHANGES = ("create", "start", "progress", "succeed", "fail", "cancel")


class House:
    """A service's tasks and a gateway's projection of them, on one database and one event log."""

    def __init__(self, home: Path, database_url: str) -> None:
        settings = settings_of(home, database_url)
        self.engine: Engine = backends.database(settings)
        migrate(self.engine, MIGRATIONS, GATEWAY_TABLES)
        self.log: EventLog = backends.event_log(settings)
        self.store = TaskStore(self.engine, self.log, "kit")
        self.view = TaskView(self.engine)
        self._projection = TaskProjection(self.engine, self.log, lambda _: None)

    def events(self) -> list[Event]:
        return list(self.log.replay(topics.TASKS))

    def project(self) -> None:
        self._projection.apply(self.events())

    def tasks(self) -> dict[str, Task]:
        """Return all tasks as the service has them."""
        found, token = self.store.list("projects/demo", 1000)
        assert not token
        return {task.name: task for task in found}

    def close(self) -> None:
        self.log.close()
        self.engine.dispose()


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    house = House(tmp_path, database_url)
    yield house
    house.close()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_is_told_though_its_process_died(
    house: House, tmp_path: Path, database_url: str, change: str, when: When
) -> None:
    assert spawn("change", when, tmp_path, database_url, change).wait(120) == -signal.SIGKILL
    ((name, committed),) = house.tasks().items()
    house.project()

    house.store.publish_missed()

    house.project()
    assert house.store.get(name) == committed, "telling changes nothing"
    assert house.view.get(name) == committed, "the projection has what the service has"
    events = house.events()
    assert events[-1].unpack(TaskEvent).task == committed
    assert len({event.id for event in events}) == events[-1].unpack(TaskEvent).revision, "one event each change, by id"
    house.store.publish_missed()
    assert len(house.events()) == len(events), "nothing is missing any more"


def test_whenever_a_service_is_killed_its_tasks_and_their_events_agree(
    house: House, tmp_path: Path, database_url: str
) -> None:
    accepted: list[str] = []
    for lines in (1, 2, 5, 9, 14):
        service = spawn("run", "never", tmp_path, database_url)
        assert service.stdout is not None
        accepted += [service.stdout.readline() for _ in range(lines)]
        service.kill()
        service.wait()
        accepted += [line for line in service.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        service.stdout.close()
        house.project()

    house.store.publish_missed()

    house.project()
    tasks = house.tasks()
    assert {line.split()[1] for line in accepted} <= tasks.keys()
    assert {name: house.view.get(name) for name in tasks} == tasks
    newest = {event.key: event.unpack(TaskEvent) for event in house.events()}
    assert {name: told.task for name, told in newest.items()} == tasks
    for name in tasks:
        ids = [event.id for event in house.log.replay(topics.TASKS, key=name)]
        assert list(dict.fromkeys(ids)) == [f"{name.rpartition('/')[2]}.{n + 1}" for n in range(len(set(ids)))]
