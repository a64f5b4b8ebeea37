"""Verdicts on arms whose truths are drawn at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.drift.domain.experiments.arm import Arm, RequestLosses, new_arm
from services.drift.domain.experiments.experiment import Comparison, Experiment, Verdict, compare
from services.drift.domain.experiments.experiment_words import message, rounded, summary
from services.drift.domain.experiments.split import Split, Target
from services.drift.domain.performance import Answer, Task
from tests.unit.drift.events import CLASSES

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ONE, TWO, THREE = (f"projects/p/models/income/versions/{number}" for number in (1, 2, 3))


def arm(errors: int, requests: int, rows: int = 1) -> Arm:
    """Return an arm of requests of so many rows each, the first `errors` of them all wrong."""
    found = new_arm(Task.BINARY, CLASSES).answered(requests, requests * rows, 1.0)
    for number in range(requests):
        request: RequestLosses = ()
        for _ in range(rows):
            found, request = found.told(request, Answer(CLASSES[1]), CLASSES[number >= errors])
    return found


def split(*targets: Target, number: int = 1) -> Split:
    return Split(number, 1, NOON + timedelta(hours=number), targets)


HALVES = split(Target(ONE, 50), Target(TWO, 50))


def only(experiment: Experiment) -> Comparison:
    (comparison,) = experiment.comparisons
    return comparison


def judged(champion: Arm, challenger: Arm) -> tuple[Comparison, str]:
    experiment = compare([HALVES], {(1, ONE, False): champion, (1, TWO, False): challenger})
    return only(experiment), summary(experiment)


def test_a_challenger_that_errs_less_is_better() -> None:
    comparison, words = judged(arm(400, 2000), arm(280, 2000))
    assert comparison.verdict is Verdict.CHALLENGER_BETTER
    difference = comparison.differences[0]
    assert difference.value == pytest.approx(-0.06)
    assert difference.lower < -0.06 < difference.upper < 0 and difference.p_value < 0.05
    assert words == "income/2 is better than income/1: its error rate is 6 points lower (by 2.4 points to 9.6 points)"


def test_a_champion_that_errs_less_stays_the_better() -> None:
    comparison, words = judged(arm(280, 2000), arm(400, 2000))
    assert comparison.verdict is Verdict.CHAMPION_BETTER
    assert words.startswith("income/1 is better than income/2, whose error rate is 6 points higher")


def test_a_difference_that_may_be_chance_is_undecided_and_says_how_many_truths_it_lacks() -> None:
    comparison, words = judged(arm(100, 500), arm(80, 500))
    assert comparison.verdict is Verdict.UNDECIDED
    assert comparison.truths_needed is not None
    more = 1 + comparison.truths_needed / 1000
    decided, _ = judged(arm(int(100 * more), int(500 * more)), arm(int(80 * more), int(500 * more)))
    assert decided.differences[0].upper == pytest.approx(0, abs=0.001)
    assert "more truths decide it" in words


def test_where_nothing_is_seen_no_number_is_told() -> None:
    comparison, words = judged(arm(100, 500), arm(101, 500))
    assert comparison.verdict is Verdict.UNDECIDED and comparison.truths_needed is None
    assert "truths" not in words


def test_before_the_theory_holds_nothing_is_told() -> None:
    comparison, words = judged(arm(0, 2000), arm(99, 99))
    assert comparison.verdict is Verdict.TOO_FEW_TRUTHS
    assert words.endswith("99 and 2,000 requests have one, and each needs 100")
    assert judged(arm(0, 2000), arm(100, 100))[0].verdict is Verdict.CHAMPION_BETTER


def test_rows_of_few_requests_are_few_truths() -> None:
    assert judged(arm(5, 50, rows=100), arm(20, 50, rows=100))[0].verdict is Verdict.TOO_FEW_TRUTHS
    together, _ = judged(arm(30, 150, rows=20), arm(20, 150, rows=20))
    apart, _ = judged(arm(600, 3000), arm(400, 3000))
    assert (together.verdict, apart.verdict) == (Verdict.UNDECIDED, Verdict.CHALLENGER_BETTER)


def test_a_version_that_has_not_answered_is_told_of() -> None:
    experiment = compare([HALVES], {(1, ONE, False): arm(10, 100)})
    assert only(experiment).verdict is Verdict.TOO_FEW_TRUTHS
    assert experiment.arms[1].arm is None
    assert compare([HALVES], {}).arms[0].champion


def test_one_version_alone_has_nothing_to_be_compared_with() -> None:
    experiment = compare([split(Target(ONE, 100))], {(1, ONE, False): arm(10, 100)})
    assert experiment.comparisons == ()
    assert summary(experiment) == "income/1 answers alone: there is nothing to compare"


def test_versions_that_predict_different_things_are_not_compared() -> None:
    numbers = new_arm(Task.REGRESSION, ()).answered(1, 1, 1.0)
    comparison, words = judged(arm(10, 200), numbers)
    assert comparison.verdict is Verdict.NOT_COMPARABLE
    assert "can't be compared" in words


def test_several_challengers_share_the_chance_of_a_false_alarm() -> None:
    arms = {(1, ONE, False): arm(400, 2000), (1, TWO, False): arm(300, 2000), (1, THREE, False): arm(390, 2000)}
    alone, _ = judged(arms[1, ONE, False], arms[1, TWO, False])
    both = compare([split(Target(ONE, 40), Target(TWO, 30), Target(THREE, 30))], arms)
    assert [each.target.model_version for each in both.comparisons] == [TWO, THREE]
    assert both.comparisons[0].differences[0].upper > alone.differences[0].upper
    assert both.comparisons[0].differences[0].p_value == alone.differences[0].p_value
    assert summary(both).count("; ") >= 1


def test_a_shadow_is_apart_and_its_interval_is_wide_enough_for_whatever_it_has_in_common() -> None:
    shadowed = split(Target(ONE, 100), Target(TWO, 0, shadow=True))
    experiment = compare([shadowed], {(1, ONE, False): arm(400, 2000), (1, TWO, True): arm(280, 2000)})
    comparison = only(experiment)
    assert comparison.target.shadow and not experiment.arms[1].champion
    independent, _ = judged(arm(400, 2000), arm(280, 2000))
    assert comparison.differences[0].variance > 1.9 * independent.differences[0].variance
    assert "income/2 (shadow)" in message(experiment, comparison)


def test_shares_that_move_while_the_traffic_gets_harder_do_not_look_like_a_difference() -> None:
    easy, hard = split(Target(ONE, 90), Target(TWO, 10)), split(Target(ONE, 10), Target(TWO, 90), number=2)
    # Both err in 5 % of the first and in 30 % of the second.
    arms = {
        (1, ONE, False): arm(90, 1800),
        (1, TWO, False): arm(10, 200),
        (2, ONE, False): arm(60, 200),
        (2, TWO, False): arm(540, 1800),
    }
    experiment = compare([easy, hard], arms)
    rates = [result.arm.tallies[0].mean for result in experiment.arms if result.arm]
    assert rates == pytest.approx([0.075, 0.275]), "all together, they look far apart"
    assert only(experiment).verdict is Verdict.UNDECIDED
    assert only(experiment).differences[0].value == pytest.approx(0)


def test_a_split_with_next_to_no_truths_does_not_spoil_the_others() -> None:
    first, second = HALVES, split(Target(ONE, 20), Target(TWO, 80), number=2)
    arms = {(1, ONE, False): arm(400, 2000), (1, TWO, False): arm(280, 2000), (2, TWO, False): arm(1, 1)}
    assert only(compare([first, second], arms)).verdict is Verdict.CHALLENGER_BETTER


def test_requests_that_err_together_make_no_false_alarms() -> None:
    """Each request has an error rate of its own; looked at every 20 requests, judged as compare does."""
    alarms = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        arms = {(1, version, False): new_arm(Task.BINARY, CLASSES) for version in (ONE, TWO)}
        told = False
        for number in range(300):
            key = 1, (ONE, TWO)[random.random() < 0.5], False
            request: RequestLosses = ()
            for wrong in random.random(10) < random.beta(0.4, 1.6):
                arms[key], request = arms[key].told(request, Answer(CLASSES[1]), CLASSES[not wrong])
            if number % 20 == 0:
                verdict = only(compare([HALVES], arms)).verdict
                told |= verdict in (Verdict.CHALLENGER_BETTER, Verdict.CHAMPION_BETTER)
        alarms += told
    assert alarms <= 1


@pytest.mark.parametrize(("count", "told"), [(3, 3), (99, 99), (101, 110), (1_234, 1_300), (9_999, 10_000)])
def test_counts_are_told_as_exactly_as_they_are_known(count: int, told: int) -> None:
    assert rounded(count) == told
