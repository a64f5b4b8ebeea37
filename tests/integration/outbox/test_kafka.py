"""Tasks and their events agree over a real broker too, whichever of the service and the broker is killed, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.admin import events
from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.kit.events import SpoolLimits, topics
from fairlead.kit.events.spool.queue import SpoolQueue
from fairlead.kit.settings import KitSettings
from tests.servers.kafka import KafkaBroker
from tests.waiting import until

from .dying import settings_of, spawn
from .test_tasks import House


def spooled(settings: KitSettings) -> int:
    queue = SpoolQueue(SpoolLimits(settings.home / "spool" / f"{settings.service}.db"))
    try:
        return sum(queue.waiting().values())
    finally:
        queue.close()


def test_a_service_killed_while_the_broker_is_down_tells_all_of_its_tasks_in_the_end(
    kafka_broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The services that are spawned read it as well.
    monkeypatch.setenv("FAIRLEAD_EVENTS_URL", f"kafka://{kafka_broker.bootstrap}")
    database_url = f"sqlite:///{tmp_path}/kit.db"
    settings = settings_of(tmp_path, database_url)
    events.setup(settings)
    House(tmp_path, database_url).close()

    accepted: list[str] = []
    for broker_dies in (False, True, True):
        service = spawn("run", "never", tmp_path, database_url)
        assert service.stdout is not None
        accepted += [service.stdout.readline() for _ in range(4)]
        if broker_dies:
            kafka_broker.kill()
            until(lambda: spooled(settings) > 2, "events on disk")
        service.kill()
        service.wait()
        accepted += [line for line in service.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        service.stdout.close()
        if broker_dies:
            kafka_broker.start()

    house = House(tmp_path, database_url)
    house.store.publish_missed()
    until(lambda: spooled(settings) == 0, "an empty spool")

    house.project()
    tasks = house.tasks()
    assert {line.split()[1] for line in accepted} <= tasks.keys()
    assert {name: house.view.get(name) for name in tasks} == tasks
    newest = {event.key: event.unpack(TaskEvent).task for event in house.events()}
    assert newest == tasks
    for name in tasks:
        ids = [event.id for event in house.log.replay(topics.TASKS, key=name)]
        assert list(dict.fromkeys(ids)) == [f"{name.rpartition('/')[2]}.{n + 1}" for n in range(len(set(ids)))]
    house.close()
