"""An arm counts answers and truths; a truth that is corrected replaces the former one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.drift.domain.experiments.arm import Arm, RequestLosses, new_arm
from services.drift.domain.experiments.arm_metrics import STUDENT, WILSON, arm_metrics
from services.drift.domain.experiments.losses import losses
from services.drift.domain.performance import Answer, Task
from tests.unit.drift.events import CLASSES

LOW, HIGH = CLASSES


def told(arm: Arm, *rows: tuple[Answer, str]) -> Arm:
    """Return the arm after truths of requests of one row."""
    for answer, truth in rows:
        arm, _ = arm.told((), answer, truth)
    return arm


def test_losses_of_classes() -> None:
    assert losses(Task.BINARY, CLASSES, Answer(HIGH, 0.8), HIGH) == pytest.approx((0.0, 0.04))
    assert losses(Task.BINARY, CLASSES, Answer(HIGH, 0.8), LOW) == pytest.approx((1.0, 0.64))
    assert losses(Task.MULTICLASS, ("1", "2"), Answer("1"), "1.0") == (0.0,)
    wrong, brier = losses(Task.BINARY, CLASSES, Answer(HIGH, 0.8), "neither")
    assert wrong == 1.0 and math.isnan(brier)
    assert math.isnan(losses(Task.BINARY, CLASSES, Answer(HIGH), HIGH)[1]), "no probabilities came"


def test_losses_of_numbers() -> None:
    assert losses(Task.REGRESSION, (), Answer(value=3.0), "5") == (2.0, 4.0)
    for truth in ("nan", "inf", "1e200", "1e51", "five"):
        with pytest.raises(ValueError):
            losses(Task.REGRESSION, (), Answer(value=3.0), truth)


def test_a_corrected_truth_replaces_the_former() -> None:
    answers = [Answer(HIGH, 0.9), Answer(LOW, 0.2)]
    right, request = new_arm(Task.BINARY, CLASSES).told((), answers[0], HIGH)
    right, request = right.told(request, answers[1], LOW)
    wrong, after = right.told(request, answers[1], HIGH, former=LOW)
    assert [tally.rows for tally in wrong.tallies] == [2, 2]
    assert wrong.tallies[0].requests == 1
    assert (right.tallies[0].mean, wrong.tallies[0].mean) == (0.0, 0.5)
    again, _ = wrong.told(after, answers[1], LOW, former=HIGH)
    assert again.tallies == right.tallies


def test_a_truth_that_can_not_be_read_counts_nowhere() -> None:
    arm = new_arm(Task.REGRESSION, ())
    with pytest.raises(ValueError):
        arm.told((), Answer(value=1.0), "nan")
    assert arm.tallies[0].rows == 0


def test_logged_rows_stand_for_those_that_they_were_drawn_from() -> None:
    arm = new_arm(Task.BINARY, CLASSES).answered(10, 20, 1.0).answered(1, 5, 0.25)
    assert (arm.request_count, arm.row_count, arm.answered_rows) == (11, 25, 40.0)


def test_metrics_of_a_binary_arm_have_intervals_where_these_are_sound() -> None:
    rows = [(Answer(HIGH, 0.9), HIGH)] * 30 + [(Answer(HIGH, 0.6), LOW)] * 10 + [(Answer(LOW, 0.1), LOW)] * 60
    found = {metric.metric: metric for metric in arm_metrics(told(new_arm(Task.BINARY, CLASSES), *rows))}
    assert list(found)[:2] == ["error_rate", "accuracy"]
    assert (found["error_rate"].value, found["accuracy"].value) == pytest.approx((0.1, 0.9))
    assert found["accuracy"].upper == pytest.approx(1 - found["error_rate"].lower)
    assert found["precision"].value == pytest.approx(0.75)
    assert {name for name, metric in found.items() if metric.interval == WILSON} == {
        "error_rate",
        "accuracy",
        "precision",
        "recall",
    }
    assert found["brier_score"].interval == STUDENT
    assert found["f1"].interval == "" and math.isnan(found["f1"].lower)


def test_rows_of_one_request_have_no_interval() -> None:
    arm, request = new_arm(Task.BINARY, CLASSES), RequestLosses()
    for _ in range(50):
        arm, request = arm.told(request, Answer(HIGH, 0.9), HIGH)
    assert {metric.interval for metric in arm_metrics(arm)} == {""}


def test_metrics_of_a_regression_are_means_of_errors() -> None:
    values = np.random.default_rng(5).normal(0, 1, 200)
    arm = told(new_arm(Task.REGRESSION, ()), *[(Answer(value=float(value)), "0") for value in values])
    absolute, squared = arm_metrics(arm)
    assert (absolute.metric, squared.metric) == ("mean_absolute_error", "mean_squared_error")
    assert absolute.value == pytest.approx(np.abs(values).mean())
    assert absolute.lower < math.sqrt(2 / math.pi) < absolute.upper
    assert squared.lower < 1 < squared.upper


def test_an_arm_without_truths_has_no_metrics() -> None:
    assert arm_metrics(new_arm(Task.MULTICLASS, ("a", "b"))) == ()


def test_a_truth_too_large_to_be_a_measurement_leaves_the_metrics_as_they_are() -> None:
    arm = new_arm(Task.REGRESSION, ())
    for request in range(40):
        truth = "1e200" if request == 7 else str(request % 5)
        try:
            arm, _ = arm.told((), Answer(value=1.0), truth)
        except ValueError:
            assert request == 7
    assert arm.tallies[0].rows == 39
    assert all(math.isfinite(metric.value) and math.isfinite(metric.upper) for metric in arm_metrics(arm))
