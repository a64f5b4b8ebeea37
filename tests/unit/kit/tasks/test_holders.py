"""A service of several processes on one database: each task is one process's, until that is gone."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Engine, delete, insert, select, update

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_SUCCEEDED
from fairlead.kit.events import EventLog
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import LocalRunner, TaskOwner, TaskStore
from fairlead.kit.tasks.holder import TaskHolder
from fairlead.kit.tasks.process_id import is_known_dead, new_process_id
from fairlead.kit.tasks.schema import holders, tasks
from tests.unit.kit.tasks.conftest import WORKER, Eventually
from tests.unit.kit.tasks.test_recovery import kill_a_service_at_work, pids

Process = Callable[[float], tuple[TaskStore, TaskOwner]]


@pytest.fixture
def process(engine: Engine, events: EventLog, environment: dict[str, str]) -> Iterator[Process]:
    """Add a process to the service; it has a store and an owner of its own."""
    with ExitStack() as stack:

        def add(lease_seconds: float) -> tuple[TaskStore, TaskOwner]:
            store = TaskStore(engine, events, "kit")
            runner = LocalRunner(WORKER, environment)
            owner = TaskOwner(store, runner, concurrency=1, lease_seconds=lease_seconds)
            return store, stack.enter_context(closing(owner))

        yield add


def test_a_process_that_starts_leaves_alone_what_another_is_doing(
    process: Process, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process(60.0)
    gate = tmp_path / "gate"
    running = store.create("shop", "wait", StringValue(value=str(gate)))
    waiting = store.create("shop", "wait", StringValue(value=str(gate)))
    for task in (running, waiting):
        first.submit(task)
    eventually(lambda: pids(tmp_path, "started"))

    other, second = process(60.0)
    second.recover()
    second.submit(other.get(waiting.name))
    own = other.create("shop", "nothing", StringValue())
    second.submit(own)

    eventually(lambda: other.get(own.name).state == TASK_STATE_SUCCEEDED)
    assert len(pids(tmp_path, "started")) == 1
    gate.touch()
    eventually(lambda: not store.unfinished())
    assert [store.get(task.name).attempt for task in (running, waiting)] == [1, 1]


def test_what_a_killed_process_did_is_taken_up_by_one_that_runs(
    process: Process, settings: KitSettings, tmp_path: Path, eventually: Eventually
) -> None:
    # A lease that would not end while this test runs: on one machine it is seen that the process is gone.
    store, _ = process(1200.0)
    gate = tmp_path / "gate"
    kill_a_service_at_work("wait", settings, gate, eventually)
    gate.touch()

    _, another = process(1200.0)
    another.recover()

    eventually(lambda: not store.unfinished())
    (task, *_rest), _token = store.list("projects/shop")
    assert (task.state, task.attempt) == (TASK_STATE_SUCCEEDED, 2)


def test_a_process_that_runs_takes_up_what_one_elsewhere_left(
    process: Process, engine: Engine, tmp_path: Path, eventually: Eventually
) -> None:
    store, _ = process(0.6)
    name = store.start(store.create("shop", "nothing", StringValue()).name).name
    with engine.begin() as connection:
        connection.execute(insert(holders).values(id="elsewhere/1/1/x", owner="kit", beats=7))
        connection.execute(update(tasks).values(holder="elsewhere/1/1/x"))

    eventually(lambda: store.get(name).state == TASK_STATE_SUCCEEDED)
    assert store.get(name).attempt == 2
    with engine.connect() as connection:
        assert "elsewhere/1/1/x" not in connection.scalars(select(holders.c.id)).all()


def test_a_process_is_taken_for_dead_once_it_was_not_heard_of_for_a_lease(engine: Engine) -> None:
    clock = {"now": 0.0}
    one = TaskHolder(engine, "kit", lease_seconds=15.0)
    other = TaskHolder(engine, "kit", lease_seconds=15.0, clock=lambda: clock["now"])
    one.enter()
    other.end_dead()
    for clock["now"] in (10.0, 20.0, 30.0):
        one.beat()
        other.end_dead()
        assert _count(engine) == 1
    clock["now"] = 45.0
    other.end_dead()
    assert _count(engine) == 1
    clock["now"] = 46.0
    other.end_dead()
    assert _count(engine) == 0
    one.beat()
    assert _count(engine) == 1


def test_a_process_taken_for_dead_stops_what_another_does_now(
    process: Process, engine: Engine, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process(0.6)
    gate = tmp_path / "gate"
    task = store.create("shop", "wait", StringValue(value=str(gate)))
    first.submit(task)
    eventually(lambda: pids(tmp_path, "started"))
    (stopped,) = pids(tmp_path, "started")

    other = new_process_id()
    with engine.begin() as connection:
        connection.execute(insert(holders).values(id=other, owner="kit", beats=0))
        connection.execute(update(tasks).values(holder=other))

    eventually(lambda: not _runs(stopped))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_task_cancelled_through_another_process_is_stopped(
    process: Process, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process(0.6)
    task = store.create("shop", "wait", StringValue(value=str(tmp_path / "gate")))
    first.submit(task)
    eventually(lambda: pids(tmp_path, "started"))
    (working,) = pids(tmp_path, "started")

    _, second = process(0.6)
    second.cancel(task.name)

    eventually(lambda: not _runs(working))
    assert store.get(task.name).state == TASK_STATE_CANCELLED


def test_a_process_that_closes_hands_its_tasks_over_at_once(
    process: Process, engine: Engine, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process(1200.0)
    task = store.create("shop", "wait", StringValue(value=str(tmp_path / "gate")))
    first.submit(task)
    eventually(lambda: pids(tmp_path, "started"))
    first.close()
    (tmp_path / "gate").touch()

    _, second = process(1200.0)
    second.recover()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)


def test_a_process_without_tasks_leaves_no_trace(process: Process, engine: Engine, eventually: Eventually) -> None:
    store, owner = process(0.3)
    owner.recover()

    assert _count(engine) == 0
    owner.submit(store.create("shop", "nothing", StringValue()))
    eventually(lambda: not store.unfinished())
    with engine.begin() as connection:
        # As another does that takes it for dead; it shows that it lives all the same.
        connection.execute(delete(holders))
    eventually(lambda: _count(engine) == 1)
    owner.close()
    assert _count(engine) == 0


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.scalars(select(holders.c.id)).all())


def test_a_process_is_known_by_its_machine_its_id_and_its_start() -> None:
    own = new_process_id()
    machine, pid, start, _ = own.rsplit("/", 3)

    assert own != new_process_id()
    assert not is_known_dead(own)
    assert is_known_dead(f"{machine}/{pid}/{start}0/x"), "an earlier process of this id"
    assert not is_known_dead(f"elsewhere.{platform.node()}/{pid}/{start}0/x"), "of another machine nothing is known"
    assert not is_known_dead("text")
