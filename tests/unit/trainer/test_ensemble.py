"""Greedy ensemble selection on out-of-fold predictions."""

from __future__ import annotations

import numpy as np
import pytest

from services.trainer.domain.baseline import baseline_predictions
from services.trainer.domain.ensemble import select_weights
from services.trainer.domain.metrics import find_metric

GENERATOR = np.random.default_rng(11)
TRUTH = GENERATOR.normal(size=2_000)
RMSE = find_metric("rmse", "regression")


def noisy(size: float) -> np.ndarray:
    return TRUTH + size * GENERATOR.normal(size=2_000)


def test_two_models_with_independent_errors_are_averaged() -> None:
    weights = select_weights([noisy(1.0), noisy(1.0)], TRUTH, RMSE)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights[0] == pytest.approx(0.5, abs=0.1)


def test_a_poor_model_beside_a_good_one_is_left_out() -> None:
    assert select_weights([noisy(0.1), noisy(5.0)], TRUTH, RMSE) == {0: 1.0}


def test_the_same_model_twice_is_no_ensemble() -> None:
    once = noisy(1.0)
    assert len(select_weights([once, once.copy()], TRUTH, RMSE)) == 1


def test_at_most_four_members_are_taken() -> None:
    weights = select_weights([noisy(1.0) for _ in range(10)], TRUTH, RMSE)
    assert len(weights) == 4


def test_rows_that_a_candidate_lacks_are_left_out_of_the_comparison() -> None:
    partial = noisy(0.1)
    partial[100:] = np.nan
    assert select_weights([partial, noisy(2.0)], TRUTH, RMSE) == {0: 1.0}


def test_between_equal_accuracies_the_likelier_truth_wins() -> None:
    truth = np.array([0.0, 1.0, 0.0, 1.0])
    sure = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    unsure = np.array([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4], [0.4, 0.6]])
    assert select_weights([unsure, sure], truth, find_metric("accuracy", "binary")) == {1: 1.0}


def test_the_baseline_predicts_class_shares_or_the_mean() -> None:
    shares = baseline_predictions(np.array([0.0, 0.0, 0.0, 1.0]), 2, "binary", 2)
    assert shares.tolist() == [[0.75, 0.25], [0.75, 0.25]]
    assert baseline_predictions(np.array([1.0, 3.0]), 2, "regression", 0).tolist() == [2.0, 2.0]
