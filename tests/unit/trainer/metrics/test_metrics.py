"""Every metric against scikit-learn's, and how they are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as reference

from services.trainer.domain.metrics import METRICS, compute_all, default_metric, find_metric, metrics_for

GENERATOR = np.random.default_rng(7)
LABELS = GENERATOR.integers(0, 3, size=400).astype(float)
PROBABILITIES = GENERATOR.dirichlet([1.0, 2.0, 3.0], size=400)
BINARY_LABELS = GENERATOR.integers(0, 2, size=400).astype(float)
# Rounded, so that many scores tie.
BINARY_SCORES = np.round(GENERATOR.random(400), 1)
BINARY = np.column_stack([1 - BINARY_SCORES, BINARY_SCORES])
VALUES, PREDICTED = GENERATOR.normal(size=400), GENERATOR.normal(size=400)

CASES: list[tuple[str, str, Callable[[], float]]] = [
    ("roc_auc", "binary", lambda: reference.roc_auc_score(BINARY_LABELS, BINARY_SCORES)),
    ("log_loss", "multiclass", lambda: reference.log_loss(LABELS, PROBABILITIES)),
    ("accuracy", "multiclass", lambda: reference.accuracy_score(LABELS, PROBABILITIES.argmax(axis=1))),
    ("f1_macro", "multiclass", lambda: reference.f1_score(LABELS, PROBABILITIES.argmax(axis=1), average="macro")),
    (
        "balanced_accuracy",
        "multiclass",
        lambda: reference.balanced_accuracy_score(LABELS, PROBABILITIES.argmax(axis=1)),
    ),
    ("roc_auc", "multiclass", lambda: reference.roc_auc_score(LABELS, PROBABILITIES, multi_class="ovr")),
    ("rmse", "regression", lambda: reference.root_mean_squared_error(VALUES, PREDICTED)),
    ("mae", "regression", lambda: reference.mean_absolute_error(VALUES, PREDICTED)),
    ("r2", "regression", lambda: reference.r2_score(VALUES, PREDICTED)),
]
DATA = {"binary": (BINARY_LABELS, BINARY), "multiclass": (LABELS, PROBABILITIES), "regression": (VALUES, PREDICTED)}


@pytest.mark.parametrize(("name", "task_type", "expected"), CASES)
def test_a_metric_equals_scikit_learns(name: str, task_type: str, expected: Callable[[], float]) -> None:
    assert find_metric(name, task_type).compute(*DATA[task_type]) == pytest.approx(expected())


def test_every_metric_is_compared_above() -> None:
    assert {metric.name for metric in METRICS} == {name for name, _, _ in CASES}


def test_utility_is_more_where_the_metric_is_better() -> None:
    rmse = find_metric("rmse", "regression")
    assert rmse.utility(VALUES, VALUES) > rmse.utility(VALUES, PREDICTED)
    assert rmse.is_better(1.0, 2.0)
    assert find_metric("r2", "regression").is_better(2.0, 1.0)


def test_a_probability_of_zero_for_the_truth_leaves_log_loss_finite() -> None:
    loss = find_metric("log_loss", "binary").compute(np.array([1.0]), np.array([[1.0, 0.0]]))
    assert np.isfinite(loss)


def test_one_class_alone_gives_the_area_of_chance() -> None:
    assert find_metric("roc_auc", "binary").compute(np.ones(5), BINARY[:5]) == 0.5


def test_no_name_means_the_default_of_the_task_type() -> None:
    assert [find_metric("", task).name for task in ("binary", "multiclass", "regression")] == [
        "roc_auc",
        "accuracy",
        "rmse",
    ]
    assert default_metric("binary") is find_metric("roc_auc", "binary")


def test_a_metric_of_another_task_type_is_refused_with_the_possible_ones() -> None:
    with pytest.raises(KeyError, match="'rmse' is no metric for a binary target; use one of roc_auc, log_loss"):
        find_metric("rmse", "binary")


def test_all_metrics_of_a_task_type_are_computed_by_name() -> None:
    assert compute_all("regression", VALUES, VALUES) == {"rmse": 0.0, "mae": 0.0, "r2": 1.0}
    assert set(compute_all("binary", *DATA["binary"])) == {metric.name for metric in metrics_for("binary")}
