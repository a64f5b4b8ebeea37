from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_PENDING,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    LogLine,
    Task,
)
from fairlead.kit.errors import NotFound
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import LocalRunner, TaskOwner, TaskStore

Told = Callable[[str], list[Task]]
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def run(store: TaskStore, owner: TaskOwner, told: Told, eventually: Eventually) -> Callable[[str], Task]:
    """Run a task of the sample worker until its end has been told."""

    def run_one(kind: str) -> Task:
        name = store.create("shop", kind, StringValue(value="hello")).name
        owner.submit(store.get(name))
        eventually(lambda: told(name)[-1].HasField("end_time"))
        return store.get(name)

    return run_one


def started(gate: Path) -> list[int]:
    """The processes that wait at the gate."""
    return [int(path.name.split(".")[-2]) for path in gate.parent.glob(f"{gate.name}.*.started")]


def test_work_that_ends_well_leaves_its_result(run: Callable[[str], Task], told: Told) -> None:
    task = run("echo")

    result = StringValue()
    assert task.result.Unpack(result)
    assert (task.state, result.value) == (TASK_STATE_SUCCEEDED, "hello, attempt 1")
    assert (task.progress, task.stage, task.resource) == (1.0, "halfway", "projects/p/things/one")
    states = [step.state for step in told(task.name)]
    assert states == [TASK_STATE_PENDING, TASK_STATE_RUNNING, TASK_STATE_RUNNING, TASK_STATE_SUCCEEDED]


def test_log_lines_are_kept_in_order_with_their_figures(
    run: Callable[[str], Task], lines: Callable[[str], list[LogLine]]
) -> None:
    task = run("echo")

    kept = lines(task.name)
    assert [line.message for line in kept] == [f"line {number}" for number in range(20)]
    assert [line.meta["number"] for line in kept] == list(range(20))
    assert {(line.task, line.level, line.source) for line in kept} == {(task.name, "INFO", "sample.echo")}
    times = [line.time.ToNanoseconds() for line in kept]
    assert times == sorted(times)


def test_work_may_have_no_result(run: Callable[[str], Task]) -> None:
    task = run("nothing")

    assert (task.state, task.progress, task.HasField("result")) == (TASK_STATE_SUCCEEDED, 1.0, False)


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("refuse", "INVALID_ARGUMENT", "the file is empty (file: has 0 bytes)"),
        ("defect", "INTERNAL", "the work failed because of a defect (ZeroDivisionError)"),
        ("exhaust", "RESOURCE_EXHAUSTED", "ran out of memory"),
        ("crash", "INTERNAL", "signal 9 (SIGKILL)"),
        ("leave", "INTERNAL", "exit code 3"),
        ("unheard-of", "UNIMPLEMENTED", "'unheard-of'"),
    ],
)
def test_work_that_fails_says_why(run: Callable[[str], Task], kind: str, code: str, message: str) -> None:
    task = run(kind)

    assert (task.state, task.error_code) == (TASK_STATE_FAILED, code)
    assert message in task.error
    assert "secret" not in task.error


def test_the_traceback_of_a_defect_goes_to_the_log_of_the_service(
    run: Callable[[str], Task], capfd: pytest.CaptureFixture[str]
) -> None:
    task = run("defect")

    written = capfd.readouterr().err
    assert "a secret of the machine" in written
    assert "Traceback" in written
    assert f"| kit | {task.error}" in written


def test_work_killed_from_outside_is_reported(
    store: TaskStore, owner: TaskOwner, tmp_path: Path, eventually: Eventually
) -> None:
    task = store.create("shop", "wait", StringValue(value=str(tmp_path / "gate")))
    owner.submit(task)
    eventually(lambda: started(tmp_path / "gate"))
    os.kill(started(tmp_path / "gate")[0], signal.SIGTERM)

    eventually(lambda: store.get(task.name).state == TASK_STATE_FAILED)
    assert "signal 15 (SIGTERM)" in store.get(task.name).error


def test_cancel_ends_work_that_will_not_end_and_what_it_started(
    store: TaskStore, owner: TaskOwner, tmp_path: Path, eventually: Eventually
) -> None:
    gate = tmp_path / "gate"
    task = store.create("shop", "stubborn", StringValue(value=str(gate)))
    owner.submit(task)
    eventually(lambda: started(gate))
    grandchild = int(next(tmp_path.glob("gate.*.child")).name.split(".")[-2])

    cancelled = owner.cancel(task.name)

    assert cancelled.state == TASK_STATE_CANCELLED
    eventually(lambda: not psutil.pid_exists(started(gate)[0]) and not is_running(grandchild))
    assert owner.cancel(task.name) == store.get(task.name) == cancelled


def is_running(pid: int) -> bool:
    """A grandchild is collected by whoever adopts it, so a zombie counts as ended."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_only_so_many_run_at_a_time_and_the_others_wait(
    store: TaskStore, owner: TaskOwner, tmp_path: Path, eventually: Eventually
) -> None:
    gate = tmp_path / "gate"
    tasks = [store.create("shop", "wait", StringValue(value=str(gate))) for _ in range(4)]
    for task in tasks:
        owner.submit(task)
        owner.submit(task)
    eventually(lambda: len(started(gate)) == 2)

    assert [store.get(task.name).state for task in tasks] == [TASK_STATE_RUNNING] * 2 + [TASK_STATE_PENDING] * 2
    owner.cancel(tasks[3].name)
    gate.touch()
    eventually(lambda: not store.unfinished())
    assert [store.get(task.name).state for task in tasks] == [TASK_STATE_SUCCEEDED] * 3 + [TASK_STATE_CANCELLED]
    assert [store.get(task.name).attempt for task in tasks] == [1, 1, 1, 0]
    assert len(started(gate)) == 3


def test_an_ended_or_unknown_task_is_not_run(store: TaskStore, owner: TaskOwner, run: Callable[[str], Task]) -> None:
    ended = store.cancel(store.create("shop", "echo", StringValue()).name)
    owner.submit(ended)
    owner.submit(Task(name="projects/shop/tasks/absent", state=TASK_STATE_PENDING))

    assert run("nothing").state == TASK_STATE_SUCCEEDED
    assert store.get(ended.name) == ended
    with pytest.raises(NotFound):
        owner.cancel("projects/shop/tasks/absent")


def test_cancel_at_any_moment_leaves_nothing_running(
    store: TaskStore, owner: TaskOwner, tmp_path: Path, eventually: Eventually
) -> None:
    tasks = [store.create("shop", "wait", StringValue(value=str(tmp_path / "gate"))) for _ in range(8)]
    for task in tasks:
        owner.submit(task)
        threading.Thread(target=owner.cancel, args=(task.name,)).start()

    eventually(lambda: not store.unfinished())
    assert {store.get(task.name).state for task in tasks} == {TASK_STATE_CANCELLED}
    eventually(lambda: not [child for child in psutil.Process().children() if "sample_worker" in cmdline(child)])


def cmdline(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def test_work_that_can_not_be_started_is_reported(
    store: TaskStore, settings: KitSettings, eventually: Eventually
) -> None:
    runner = LocalRunner("tests.unit.kit.tasks.sample_worker", {"TOO_LONG": "x" * 10_000_000})
    owner = TaskOwner(store, runner, concurrency=1)
    task = store.create("shop", "echo", StringValue())
    owner.submit(task)

    eventually(lambda: store.get(task.name).state == TASK_STATE_FAILED)
    owner.close()
    assert store.get(task.name).error_code == "UNAVAILABLE"
    assert "could not be started" in store.get(task.name).error


def test_closing_stops_the_work_and_the_next_owner_takes_it_up(
    store: TaskStore, owner: TaskOwner, environment: dict[str, str], tmp_path: Path, eventually: Eventually
) -> None:
    gate = tmp_path / "gate"
    task = store.create("shop", "wait", StringValue(value=str(gate)))
    owner.submit(task)
    eventually(lambda: started(gate))
    owner.close()
    assert not psutil.pid_exists(started(gate)[0])
    assert store.get(task.name).state == TASK_STATE_RUNNING

    gate.touch()
    following = TaskOwner(store, LocalRunner("tests.unit.kit.tasks.sample_worker", environment))
    following.recover()
    eventually(lambda: not store.unfinished())
    following.close()

    result = StringValue()
    assert store.get(task.name).result.Unpack(result)
    assert (store.get(task.name).attempt, result.value) == (2, "attempt 2")
