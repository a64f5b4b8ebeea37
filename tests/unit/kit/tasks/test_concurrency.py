"""Many callers at the same time: each has a connection of its own, as another process would."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Engine

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_SUCCEEDED, Task
from fairlead.kit.errors import AlreadyExists, Unavailable
from fairlead.kit.events import EventLog
from fairlead.kit.tasks import TaskStore

CALLERS = 6
Told = Callable[[str], list[Task]]


def at_once(work: Callable[[int], object]) -> list[object]:
    """Return what each of the callers got, who began together."""
    barrier = Barrier(CALLERS)

    def call(number: int) -> object:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(call, range(CALLERS)))


def test_one_request_that_is_sent_many_times_is_one_task(engine: Engine, events: EventLog, told: Told) -> None:
    def create(_: int) -> str:
        store = TaskStore(engine, events, "kit")
        return store.create("shop", "echo", StringValue(value="x"), request_id="once").name

    names = at_once(create)

    assert len(set(names)) == 1
    assert len(told(str(names[0]))) == 1


def test_one_request_id_for_different_requests_is_refused_to_all_but_one(engine: Engine, events: EventLog) -> None:
    def create(number: int) -> bool:
        try:
            TaskStore(engine, events, "kit").create("shop", "echo", StringValue(value=str(number)), request_id="once")
        except AlreadyExists:
            return False
        return True

    assert sorted(at_once(create)) == [False] * (CALLERS - 1) + [True]


def test_a_task_has_one_end_whoever_ends_it(store: TaskStore, engine: Engine, events: EventLog, told: Told) -> None:
    for _ in range(5):
        name = store.start(store.create("shop", "echo", StringValue()).name).name

        def end(number: int, name: str = name) -> bool:
            own = TaskStore(engine, events, "kit")
            if number % 3 == 0:
                return own.succeed(name, StringValue(value=str(number)))
            if number % 3 == 1:
                return own.fail(name, Unavailable("away"))
            return own.cancel(name).state == TASK_STATE_CANCELLED

        at_once(end)

        ends = [task for task in told(name) if task.HasField("end_time")]
        assert {task.state for task in ends} == {store.get(name).state}
        assert {task.end_time.ToNanoseconds() for task in ends} == {store.get(name).end_time.ToNanoseconds()}


def test_success_and_cancel_never_both_win(store: TaskStore, engine: Engine, events: EventLog) -> None:
    for _ in range(5):
        name = store.start(store.create("shop", "echo", StringValue()).name).name

        def end(number: int, name: str = name) -> bool:
            own = TaskStore(engine, events, "kit")
            if number % 2:
                own.cancel(name)
                return False
            return own.succeed(name, None)

        won = sum(bool(each) for each in at_once(end))

        assert won == (store.get(name).state == TASK_STATE_SUCCEEDED)


def test_attempts_are_counted_one_by_one(store: TaskStore, engine: Engine, events: EventLog) -> None:
    name = store.create("shop", "echo", StringValue()).name

    at_once(lambda _: TaskStore(engine, events, "kit").start(name))

    assert store.get(name).attempt == CALLERS
