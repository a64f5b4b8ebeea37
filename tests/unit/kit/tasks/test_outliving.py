"""Work that goes on while its owner is away, as Jobs do: it is found again, not begun again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Engine, update

from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    LogLine,
    Task,
)
from fairlead.kit.events import EventLog
from fairlead.kit.tasks import TaskOwner, TaskStore
from fairlead.kit.tasks.schema import tasks
from tests.unit.kit.tasks.conftest import Eventually
from tests.unit.kit.tasks.detached_runner import DetachedRunner
from tests.unit.kit.tasks.test_recovery import gone, pids

Process = Callable[[], tuple[TaskStore, TaskOwner]]


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


@pytest.fixture
def process(jobs: Path, engine: Engine, events: EventLog, environment: dict[str, str]) -> Iterator[Process]:
    """Add a process to the service; it has a store and an owner of its own."""
    with ExitStack() as stack:

        def add() -> tuple[TaskStore, TaskOwner]:
            store = TaskStore(engine, events, "kit")
            owner = TaskOwner(store, DetachedRunner(jobs, environment), concurrency=1, lease_seconds=0.9)
            return store, stack.enter_context(closing(owner))

        yield add
    for number in jobs.glob("*.[0-9]"):
        try:
            os.killpg(int(number.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture
def begin(tmp_path: Path, eventually: Eventually) -> Callable[[TaskStore, TaskOwner], Task]:
    """Submit a task and return it once its work is under way."""

    def submit(store: TaskStore, owner: TaskOwner) -> Task:
        task = store.create("shop", "wait", StringValue(value=str(tmp_path / "gate")))
        owner.submit(task)
        eventually(lambda: pids(tmp_path, "started"))
        return store.get(task.name)

    return submit


Begin = Callable[[TaskStore, TaskOwner], Task]


def test_work_goes_on_under_the_owner_that_follows(
    process: Process, begin: Begin, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process()
    task = begin(store, first)
    first.close()
    assert store.get(task.name).state == TASK_STATE_RUNNING
    assert not gone(pids(tmp_path, "started")[0])

    _, second = process()
    second.recover()
    (tmp_path / "gate").touch()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).attempt == 1
    assert len(pids(tmp_path, "started")) == 1


def test_work_that_was_taken_away_is_done_again_and_that_is_told(
    process: Process,
    begin: Begin,
    lines: Callable[[str], list[LogLine]],
    jobs: Path,
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    store, owner = process()
    task = begin(store, owner)
    (number,) = jobs.glob("*.1")
    os.killpg(int(number.read_text()), signal.SIGKILL)

    eventually(lambda: len(pids(tmp_path, "started")) == 2)
    (tmp_path / "gate").touch()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).attempt == 2
    assert "the pod of the work was taken away; it is done again" in [line.message for line in lines(task.name)]


def test_what_happened_to_work_while_no_owner_was_there_is_seen(
    process: Process, begin: Begin, jobs: Path, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process()
    task = begin(store, first)
    first.close()
    (number,) = jobs.glob("*.1")
    os.killpg(int(number.read_text()), signal.SIGKILL)
    (tmp_path / "gate").touch()

    _, second = process()
    second.recover()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).attempt == 2


def test_work_that_ended_while_no_owner_was_there_is_left_as_it_ended(
    process: Process, begin: Begin, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process()
    task = begin(store, first)
    first.close()
    (tmp_path / "gate").touch()
    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)

    _, second = process()
    second.recover()
    after = store.create("shop", "nothing", StringValue())
    second.submit(after)

    eventually(lambda: store.get(after.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).attempt == 1


def test_an_owner_that_lost_a_task_lets_go_of_its_work(
    process: Process, begin: Begin, engine: Engine, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process()
    task = begin(store, first)
    second_store, second = process()
    with engine.begin() as connection:
        # As where the first was not heard of for a lease.
        connection.execute(update(tasks).values(holder=None))
    assert second_store.claim(task.name)
    second.recover()

    after = store.create("shop", "nothing", StringValue())
    first.submit(after)
    eventually(lambda: store.get(after.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).state == TASK_STATE_RUNNING
    (tmp_path / "gate").touch()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).attempt == 1
    assert len(pids(tmp_path, "started")) == 1


def test_work_is_stopped_by_a_process_that_does_not_follow_it(
    process: Process, begin: Begin, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process()
    task = begin(store, first)
    first.close()

    _, second = process()
    second.cancel(task.name)

    eventually(lambda: gone(pids(tmp_path, "started")[0]))
    assert store.get(task.name).state == TASK_STATE_CANCELLED


def test_work_that_nobody_could_stop_sees_itself_that_it_is_cancelled(
    process: Process, begin: Begin, jobs: Path, tmp_path: Path, eventually: Eventually
) -> None:
    store, first = process()
    task = begin(store, first)
    first.close()
    (jobs / "away").touch()

    _, second = process()
    assert second.cancel(task.name).state == TASK_STATE_CANCELLED

    eventually(lambda: gone(pids(tmp_path, "started")[0]))


def test_while_the_cluster_is_away_tasks_wait_and_lose_few_attempts(
    process: Process, jobs: Path, eventually: Eventually
) -> None:
    store, owner = process()
    (jobs / "away").touch()
    task = store.create("shop", "nothing", StringValue())
    owner.submit(task)
    eventually(lambda: store.get(task.name).attempt == 1)
    waiting = store.create("shop", "nothing", StringValue())
    owner.submit(waiting)
    eventually(lambda: store.get(waiting.name).attempt == 1)
    (jobs / "away").unlink()

    eventually(lambda: not store.unfinished())
    assert {store.get(name).state for name in (task.name, waiting.name)} == {TASK_STATE_SUCCEEDED}
    # Who was asked for once more when the cluster was there again needed no second attempt.
    assert {store.get(name).attempt for name in (task.name, waiting.name)} <= {1, 2}


def test_work_that_is_refused_fails_and_says_why(process: Process, jobs: Path, eventually: Eventually) -> None:
    store, owner = process()
    (jobs / "refused").touch()
    task = store.create("shop", "nothing", StringValue())
    owner.submit(task)

    eventually(lambda: store.get(task.name).state == TASK_STATE_FAILED)
    assert store.get(task.name).error_code == "FAILED_PRECONDITION"
    assert "no quota" in store.get(task.name).error
