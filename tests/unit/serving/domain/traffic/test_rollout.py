from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from services.serving.domain.traffic import rollout
from services.serving.domain.traffic.deployment import Deployment
from services.serving.domain.traffic.split import Step
from tests.unit.serving.houses import NOON, deployed, shares, target, version

HOUR = timedelta(hours=1)


def step(hours: float, *numbers_and_percents: tuple[int, float]) -> Step:
    return Step(NOON + hours * HOUR, tuple(target(*each) for each in numbers_and_percents))


def a_canary() -> Deployment:
    """Version 2 takes a tenth now, a half in an hour, and everything in two."""
    traffic = [target(1, 90), target(2, 10)]
    return rollout.split(deployed(1), traffic, [step(2, (2, 100)), step(1, (1, 50), (2, 50))])


def test_another_version_replaces_the_whole_split_and_the_plan() -> None:
    changed = rollout.serve(a_canary(), version(3), "models/p/3")
    assert (shares(changed), changed.steps, changed.in_rollout) == ([(3, 100)], (), False)
    assert [each.model_version for each in changed.previous_traffic] == [version(1), version(2)]


def test_the_version_that_is_served_already_leaves_what_a_rollback_returns_to() -> None:
    served = rollout.serve(deployed(1), version(2), "models/p/2")
    assert rollout.serve(served, version(2), "models/p/2") == served


def test_the_challenger_or_any_named_version_of_the_split_is_promoted() -> None:
    assert shares(rollout.promote(a_canary(), "")) == [(2, 100)]
    assert shares(rollout.promote(a_canary(), version(1))) == [(1, 100)]
    shadowed = rollout.split(deployed(1), [target(1, 100), target(5, shadow=True)], [])
    assert shares(rollout.promote(shadowed, version(5))) == [(5, 100)]
    assert rollout.promote(shadowed, version(5)).traffic[0].shadow is False


def test_what_can_not_be_promoted_is_told() -> None:
    three = rollout.split(deployed(1), [target(1, 80), target(2, 10), target(3, 10)], [])
    with pytest.raises(FailedPrecondition, match="say which to promote"):
        rollout.promote(three, "")
    with pytest.raises(FailedPrecondition, match="none to promote"):
        rollout.promote(deployed(1), "")
    with pytest.raises(FailedPrecondition, match="is not in the split"):
        rollout.promote(three, version(4))


def test_a_rollback_returns_to_the_very_slots_and_can_be_rolled_back_itself() -> None:
    half = rollout.split(deployed(1), [target(1, 50), target(2, 50)], [])
    tenth = rollout.split(half, [target(1, 10), target(2, 90)], [])
    back = rollout.roll_back(tenth)
    assert back.traffic == half.traffic
    assert rollout.roll_back(back).traffic == tenth.traffic
    with pytest.raises(FailedPrecondition, match="served nothing before"):
        rollout.roll_back(deployed(1))


def test_steps_are_made_in_turn_and_a_rollback_undoes_the_whole_plan() -> None:
    canary = a_canary()
    assert shares(canary) == [(1, 90), (2, 10)]
    half = rollout.take_step(canary, NOON + HOUR)
    assert (shares(half), len(half.steps), half.in_rollout) == ([(1, 50), (2, 50)], 1, True)
    whole = rollout.take_step(half, NOON + 2 * HOUR)
    assert (shares(whole), whole.steps, whole.in_rollout) == ([(2, 100)], (), False)
    for deployment in (canary, half, whole):
        assert shares(rollout.roll_back(deployment)) == [(1, 100)]
        assert rollout.roll_back(deployment).steps == ()


def test_a_plan_that_only_begins_later_leaves_the_split_and_the_way_back_until_then() -> None:
    served = rollout.serve(deployed(1), version(2), "models/p/2")
    planned = rollout.split(served, [], [step(1, (2, 90), (3, 10)), step(2, (3, 100))])
    assert (shares(planned), shares(rollout.roll_back(planned))) == ([(2, 100)], [(1, 100)])
    begun = rollout.take_step(planned, NOON + HOUR)
    ended = rollout.take_step(begun, NOON + 2 * HOUR)
    assert [shares(rollout.roll_back(deployment)) for deployment in (begun, ended)] == [[(2, 100)]] * 2


def test_of_several_steps_that_are_due_the_last_is_made() -> None:
    late = rollout.take_step(a_canary(), NOON + 100 * HOUR)
    assert (shares(late), late.steps) == ([(2, 100)], ())


def test_an_empty_split_without_steps_ends_the_plan() -> None:
    canary = a_canary()
    assert rollout.split(canary, [], []) == replace(canary, steps=(), in_rollout=False)


def test_a_plan_that_is_given_up_leaves_the_traffic_and_the_reason() -> None:
    stopped = rollout.stop_schedule(a_canary(), "its package is gone")
    assert (shares(stopped), stopped.steps) == ([(1, 90), (2, 10)], ())
    assert stopped.schedule_error == "its package is gone"
    assert rollout.promote(stopped, "").schedule_error == ""


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([step(0, (1, 100))], "which is over; give a time to come"),
        ([step(1, (1, 100)), step(1, (2, 100))], r"steps\[1\].time: is another step's time"),
        ([step(1)], r"steps\[0\].traffic: is empty"),
        ([step(1, (1, 100)), step(2, (1, 30))], r"steps\[1\].traffic: the percentages sum to 30"),
        ([step(1 + n, (1, 100)) for n in range(101)], "101 steps are too many"),
    ],
)
def test_what_is_no_plan_is_refused(steps: list[Step], problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        rollout.check_steps(steps, NOON)
