"""Threads that run so many tasks at a time, those that wait not counted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from threading import Event

import pytest

from fairlead.kit.errors import ResourceExhausted
from fairlead.kit.worker_pool import WorkerPool, lent
from tests import waiting

PATIENCE = 20


@pytest.fixture
def may() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


def test_results_and_errors_are_the_tasks_own() -> None:
    pool = WorkerPool(2, name="test")
    assert pool.submit(lambda a, b: a + b, 1, b=2).result(PATIENCE) == 3
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(PATIENCE)
    pool.shutdown()


def test_no_more_tasks_run_at_a_time_than_there_are_workers_and_the_rest_run_in_order(may: Event) -> None:
    pool, begun = WorkerPool(2, name="test"), []

    def task(number: int) -> None:
        begun.append(number)
        may.wait(PATIENCE)

    tasks = [pool.submit(task, number) for number in range(5)]
    waiting.until(lambda: len(begun) == 2, "two tasks")
    assert pool.queued == 3
    may.set()
    wait(tasks, PATIENCE)
    assert begun == [0, 1, 2, 3, 4]
    pool.shutdown()


def test_a_task_that_waits_gives_its_place_to_another(may: Event) -> None:
    pool = WorkerPool(1, name="test")

    def waits() -> str:
        with lent():
            may.wait(PATIENCE)
        return "waited"

    waiters = [pool.submit(waits) for _ in range(3)]
    assert pool.submit(lambda: "ran").result(PATIENCE) == "ran"
    may.set()
    assert [waiter.result(PATIENCE) for waiter in waiters] == ["waited"] * 3
    assert pool.submit(lambda: "ran").result(PATIENCE) == "ran"
    pool.shutdown()


def test_once_those_that_waited_are_back_no_more_run_at_a_time_than_before(may: Event) -> None:
    pool, most, running = WorkerPool(2, name="test"), [], []

    def waits() -> None:
        with lent():
            may.wait(PATIENCE)

    def task() -> None:
        running.append(1)
        most.append(len(running))
        Event().wait(0.01)
        running.pop()

    waiters = [pool.submit(waits) for _ in range(8)]
    may.set()
    wait(waiters, PATIENCE)
    wait([pool.submit(task) for _ in range(20)], PATIENCE)
    assert max(most) == 2
    pool.shutdown()


def test_places_are_lent_only_while_there_are_threads_to_be_had(may: Event) -> None:
    pool = WorkerPool(1, name="test", most_threads=2)

    def waits() -> None:
        with lent():
            may.wait(PATIENCE)

    waiters = [pool.submit(waits) for _ in range(2)]
    third = pool.submit(lambda: "ran")
    waiting.until(lambda: pool.queued == 1, "the third task waits")
    may.set()
    assert third.result(PATIENCE) == "ran"
    wait(waiters, PATIENCE)
    pool.shutdown()


def test_a_pool_that_is_behind_refuses_and_says_when_to_come_back(may: Event) -> None:
    pool = WorkerPool(1, name="test", queue_seconds=0.05)
    pool.refuse_if_behind()
    pool.submit(may.wait, PATIENCE)
    pool.submit(may.wait, PATIENCE)
    waiting.until(lambda: pool.behind() > 0.05, "the second task has waited")
    with pytest.raises(ResourceExhausted, match="1 calls wait here already") as refused:
        pool.refuse_if_behind()
    assert refused.value.retry_after == pytest.approx(0.1)


def test_a_pool_with_too_many_tasks_refuses(may: Event) -> None:
    pool = WorkerPool(1, name="test", most_queued=2)
    pool.submit(may.wait, PATIENCE)
    pool.submit(may.wait, PATIENCE)
    pool.refuse_if_behind()
    pool.submit(may.wait, PATIENCE)
    with pytest.raises(ResourceExhausted):
        pool.refuse_if_behind()


def test_shutdown_waits_for_what_was_taken_and_takes_no_more(may: Event) -> None:
    pool = WorkerPool(1, name="test")
    tasks = [pool.submit(may.wait, PATIENCE) for _ in range(3)]
    may.set()
    pool.shutdown()
    assert all(task.done() for task in tasks)
    with pytest.raises(RuntimeError, match="have ended"):
        pool.submit(may.wait)


def test_outside_a_pool_nothing_is_lent() -> None:
    with lent():
        pass
