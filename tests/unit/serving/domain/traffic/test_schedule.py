"""Planned splits under a clock that the test sets; two processes, of which one makes each step."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from fairlead.kit.errors import FailedPrecondition
from services.serving.domain.traffic.deployment import State
from services.serving.domain.traffic.schedule import StepOutcome
from services.serving.domain.traffic.split import Step, Target
from tests import waiting
from tests.unit.serving.houses import HOUSE, NOON, Process, shares, version

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PLAN = [
    Step(NOON + HOUR, (Target(version(1), "", 50), Target(version(2), "", 50))),
    Step(NOON + 2 * HOUR, (Target(version(2), "", 100),)),
]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    with ExitStack() as opened:
        one, other = Process(tmp_path), Process(tmp_path)
        for process in (one, other):
            opened.callback(process.close)
        one.deployments.create("projects/p", "house", version(1))
        one.deployments.split(HOUSE, [], PLAN, "")
        other.following.look()
        yield one, other


def fail_to_load_the_second(process: Process, error: str) -> None:
    """Let the version be tried, and fail, at the time of the process."""
    process.catalog.cache.discard(version(2))
    process.load.broken[version(2)] = FailedPrecondition(error)
    before = process.load.loads.count(version(2))
    # That it was begun again says that the failure was seen.
    waiting.until(
        lambda: process.schedule.advance(process.now) == [] and process.load.loads.count(version(2)) > before + 1,
        "the failure",
    )


def advance_until(process: Process, what: str = "a step") -> list[StepOutcome]:
    """Let models load at the time of the test, until something comes of it."""
    outcomes: list[StepOutcome] = []

    def advanced() -> bool:
        outcomes.extend(process.schedule.advance(process.now))
        return bool(outcomes)

    waiting.until(advanced, what)
    return outcomes


def test_nothing_happens_before_its_time_but_that_models_are_loaded(processes: tuple[Process, Process]) -> None:
    _, other = processes
    assert other.schedule.advance(NOON + HOUR - 31 * SECOND) == []
    assert other.load.loads == []
    assert other.schedule.advance(NOON + HOUR - 29 * SECOND) == []
    waiting.until(lambda: other.loaded(1) and other.loaded(2), "the models of the step")
    assert other.schedule.advance(NOON + HOUR - SECOND) == []
    assert other.shares() == [(1, 100)]


def test_each_step_is_made_by_one_process_and_served_by_all(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.now = other.now = NOON + HOUR
    assert advance_until(other) == [StepOutcome(HOUSE, NOON + HOUR)]
    # The one that does not know yet tries in vain.
    waiting.until(lambda: one.schedule.advance(one.now) == [] and one.loaded(2), "the models of the step")
    assert one.schedule.advance(one.now) == []
    one.following.look()
    assert one.shares() == other.shares() == [(1, 50), (2, 50)]
    one.now = NOON + 2 * HOUR
    assert advance_until(one) == [StepOutcome(HOUSE, NOON + 2 * HOUR)]
    stored = one.deployments.get(HOUSE)
    assert (shares(stored), stored.steps) == ([(2, 100)], ())
    assert one.schedule.advance(NOON + 3 * HOUR) == []


def test_a_process_that_starts_late_makes_the_last_step_that_is_due(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    started = Process(tmp_path)
    started.now = NOON + 5 * HOUR
    assert advance_until(started) == [StepOutcome(HOUSE, NOON + 2 * HOUR)]
    assert started.shares() == [(2, 100)]
    started.close()


def test_a_version_that_can_not_be_loaded_ends_the_plan_and_the_traffic_stays(
    processes: tuple[Process, Process],
) -> None:
    one, _ = processes
    one.now = NOON + HOUR
    fail_to_load_the_second(one, "its package is gone")
    # It is tried for a while, in case the store of packages was away for a moment.
    assert one.schedule.advance(NOON + HOUR + 9 * SECOND) == []
    one.now = NOON + HOUR + 11 * SECOND
    (outcome,) = advance_until(one)
    assert outcome.error.startswith("the step of 2026-01-31T13:00:00+00:00 was not made, and the plan is given up")
    assert "its package is gone" in outcome.error
    stored = one.deployments.get(HOUSE)
    assert (shares(stored), stored.steps, stored.schedule_error) == ([(1, 100)], (), outcome.error)
    assert one.catalog.status(HOUSE).state is State.READY
    assert one.schedule.advance(NOON + 5 * HOUR) == []


def test_a_version_that_loads_after_all_is_served_late(processes: tuple[Process, Process]) -> None:
    one, _ = processes
    one.now = NOON + HOUR
    fail_to_load_the_second(one, "the store is away")
    one.load.broken.clear()
    one.now = NOON + HOUR + 5 * SECOND
    assert advance_until(one) == [StepOutcome(HOUSE, NOON + HOUR)]
    assert one.shares() == [(1, 50), (2, 50)]


def test_a_plan_that_someone_ends_meanwhile_is_not_made(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.promote(HOUSE, version(1), "")
    other.now = NOON + HOUR
    waiting.until(lambda: other.schedule.advance(other.now) == [] and other.loaded(2), "the models of the step")
    assert other.schedule.advance(other.now) == []
    other.following.look()
    assert (other.shares(), other.catalog.scheduled()) == ([(1, 100)], [])


def test_a_step_does_not_wait_for_a_shadow_that_can_not_be_loaded(tmp_path: Path) -> None:
    process = Process(tmp_path)
    process.deployments.create("projects/p", "house", version(1))
    step = Step(NOON + HOUR, (Target(version(2), "", 100), Target(version(3), "", shadow=True)))
    process.deployments.split(HOUSE, [], [step], "")
    process.catalog.cache.discard(version(3))
    process.load.broken[version(3)] = FailedPrecondition("the disk is full")
    process.now = NOON + HOUR
    assert advance_until(process) == [StepOutcome(HOUSE, NOON + HOUR)]
    assert process.shares() == [(2, 100), (3, 0)]
    process.close()
