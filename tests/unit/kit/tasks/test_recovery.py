"""A service that is killed with SIGKILL takes its work with it, and its successor does that work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Engine

from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_FAILED,
    TASK_STATE_PENDING,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    Task,
)
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import open_event_log
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import LocalRunner, TaskOwner, TaskStore

Eventually = Callable[[Callable[[], object]], None]


def pids(folder: Path, ending: str) -> list[int]:
    return [int(path.name.split(".")[-2]) for path in folder.glob(f"*.{ending}")]


def kill_a_service_at_work(kind: str, settings: KitSettings, gate: Path, eventually: Eventually) -> None:
    service = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.kit.tasks.sample_service", kind, str(gate)],
        env={**os.environ, "FAIRLEAD_HOME": str(settings.home), "FAIRLEAD_DATABASE_URL": settings.database_url},
    )
    try:
        eventually(lambda: pids(gate.parent, "started"))
    finally:
        service.kill()
        service.wait()


def test_work_ends_with_its_service_and_is_done_by_the_next(
    settings: KitSettings,
    store: TaskStore,
    owner: TaskOwner,
    told: Callable[[str], list[Task]],
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    gate = tmp_path / "gate"
    kill_a_service_at_work("stubborn", settings, gate, eventually)
    (first,) = pids(tmp_path, "started")
    (started_by_first,) = pids(tmp_path, "child")
    eventually(lambda: gone(first) and gone(started_by_first))
    (task,) = store.unfinished()
    assert (task.state, task.attempt) == (TASK_STATE_RUNNING, 1)

    owner.recover()
    eventually(lambda: len(pids(tmp_path, "started")) == 2)
    gate.touch()
    eventually(lambda: told(task.name)[-1].state == TASK_STATE_SUCCEEDED)

    result = StringValue()
    assert store.get(task.name).result.Unpack(result)
    assert result.value == "attempt 2"
    assert [(step.state, step.attempt) for step in told(task.name)] == [
        (TASK_STATE_PENDING, 0),
        (TASK_STATE_RUNNING, 1),
        (TASK_STATE_PENDING, 1),
        (TASK_STATE_RUNNING, 2),
        (TASK_STATE_SUCCEEDED, 2),
    ]


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_tasks_that_were_never_begun_run_after_a_restart(
    store: TaskStore, owner: TaskOwner, eventually: Eventually
) -> None:
    names = [store.create("shop", "nothing", StringValue()).name for _ in range(2)]

    owner.recover()

    eventually(lambda: not store.unfinished())
    assert [store.get(name).state for name in names] == [TASK_STATE_SUCCEEDED] * 2


def test_a_call_that_is_repeated_before_the_service_recovers_changes_nothing(
    store: TaskStore, owner: TaskOwner, tmp_path: Path, eventually: Eventually
) -> None:
    gate = tmp_path / "gate"
    task = store.start(store.create("shop", "wait", StringValue(value=str(gate))).name)

    owner.submit(task)
    eventually(lambda: store.get(task.name).attempt == 2)
    owner.recover()
    eventually(lambda: pids(tmp_path, "started"))
    owner.recover()
    gate.touch()

    eventually(lambda: not store.unfinished())
    assert (store.get(task.name).state, store.get(task.name).attempt) == (TASK_STATE_SUCCEEDED, 2)
    assert len(pids(tmp_path, "started")) == 1


def test_what_could_not_be_told_is_told_while_the_service_runs(
    store: TaskStore, engine: Engine, settings: KitSettings, told: Callable[[str], list[Task]], eventually: Eventually
) -> None:
    name = store.create("shop", "nothing", StringValue()).name
    closed = open_event_log(settings.events_url, source="kit")
    closed.close()
    TaskStore(engine, closed, "kit").fail(name, Unavailable("away"))
    assert told(name)[-1].state == TASK_STATE_PENDING

    owner = TaskOwner(store, LocalRunner("tests.unit.kit.tasks.sample_worker"), missed_seconds=0.05)
    eventually(lambda: told(name)[-1].state == TASK_STATE_FAILED)
    owner.close()


def test_work_that_was_interrupted_too_often_is_given_up(
    store: TaskStore, owner: TaskOwner, eventually: Eventually
) -> None:
    name = store.create("shop", "nothing", StringValue()).name
    for _ in range(5):
        store.start(name)

    owner.recover()

    eventually(lambda: not store.unfinished())
    task = store.get(name)
    assert (task.state, task.attempt, task.error_code) == (TASK_STATE_FAILED, 5, "INTERNAL")
    assert "interrupted 5 times" in task.error
