from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from services.drift.domain.performance import Answer, Task, joined, match_class, new_performance
from tests.unit.drift.events import CLASSES, adult, sample

ROWS = sample(adult(), 400, seed=1)


def test_binary_metrics_are_scikit_learns() -> None:
    scores = np.asarray(ROWS["score"], dtype=np.float64)
    predicted = [CLASSES[int(score >= 0.5)] for score in scores]
    truths = [CLASSES[int(float(age) > 40)] for age in ROWS["age"]]
    performance = new_performance(Task.BINARY, CLASSES)
    for label, score, truth in zip(predicted, scores, truths, strict=True):
        performance = joined(performance, Answer(label, score), truth)
    positive = CLASSES[1]
    assert performance.metrics() == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truths, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(truths, predicted),
            "precision": metrics.precision_score(truths, predicted, pos_label=positive),
            "recall": metrics.recall_score(truths, predicted, pos_label=positive),
            "f1": metrics.f1_score(truths, predicted, pos_label=positive),
            "brier_score": metrics.brier_score_loss(np.array(truths) == positive, scores),
        }
    )


def test_multiclass_metrics_are_scikit_learns() -> None:
    predicted, truths = [str(text) for text in ROWS["race"]], [str(text) for text in np.roll(ROWS["race"], 1)]
    performance = new_performance(Task.MULTICLASS, sorted(set(predicted)))
    for label, truth in zip(predicted, truths, strict=True):
        performance = joined(performance, Answer(label), truth)
    assert performance.metrics() == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truths, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(truths, predicted),
            "f1_macro": metrics.f1_score(truths, predicted, average="macro"),
        }
    )


def test_regression_metrics_are_scikit_learns() -> None:
    predicted, truths = np.asarray(ROWS["age"], dtype=np.float64), np.asarray(ROWS["hours-per-week"], dtype=np.float64)
    performance = new_performance(Task.REGRESSION, ())
    for value, truth in zip(predicted, truths, strict=True):
        performance = joined(performance, Answer(value=value), str(truth))
    assert performance.metrics() == pytest.approx(
        {
            "rmse": metrics.root_mean_squared_error(truths, predicted),
            "mae": metrics.mean_absolute_error(truths, predicted),
            "r2": metrics.r2_score(truths, predicted),
        }
    )


@pytest.mark.parametrize("task", list(Task))
def test_there_are_no_metrics_before_the_first_truth(task: Task) -> None:
    assert new_performance(task, CLASSES).metrics() == {}


def test_a_truth_can_be_taken_back() -> None:
    once = joined(new_performance(Task.BINARY, CLASSES), Answer(">50K", 0.9), ">50K")
    twice = joined(once, Answer("<=50K", 0.2), ">50K")
    assert joined(twice, Answer("<=50K", 0.2), ">50K", weight=-1).metrics() == pytest.approx(once.metrics())


def test_a_truth_that_is_no_class_counts_as_wrong() -> None:
    performance = joined(new_performance(Task.BINARY, CLASSES), Answer(">50K", 0.9), "a lot")
    assert performance.metrics()["accuracy"] == 0.0


def test_a_number_means_the_class_of_the_same_number() -> None:
    assert match_class("1.0", ("0", "1")) == "1"
    assert match_class("yes", ("0", "1", "no")) == "yes"
    assert match_class("2", ("0", "one")) == "2"


def test_a_truth_that_is_no_number_is_refused_where_numbers_are_predicted() -> None:
    for truth in ("a lot", "nan", ""):
        with pytest.raises(ValueError, match=r"."):
            joined(new_performance(Task.REGRESSION, ()), Answer(value=1.0), truth)


@pytest.mark.parametrize(("value", "truth"), [(1.0, "1e200"), (1.0, "-1e51"), (1e200, "1"), (1.0, "nan"), (1.0, "inf")])
def test_a_truth_too_large_to_be_summed_is_refused(value: float, truth: str) -> None:
    with pytest.raises(ValueError, match="is not a number, or too large"):
        joined(new_performance(Task.REGRESSION, ()), Answer(value=value), truth)
