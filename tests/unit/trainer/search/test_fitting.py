"""Fits that keep to the clock and cope with absent classes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from services.trainer.domain.families import find_family
from services.trainer.domain.search import Budget, Fitter, Sample, TimeEstimator

GENERATOR = np.random.default_rng(1)
FEATURES = GENERATOR.normal(size=(300, 4))
LABELS = np.digitize(FEATURES[:, 0], [-0.5, 0.5]).astype(float)


def fitter(task: str = "multiclass", classes: int = 3) -> Fitter:
    return Fitter(task, classes, 0, 1, TimeEstimator(), time.monotonic)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "linear", "random_forest"])
def test_a_class_absent_from_the_training_rows_gets_probability_zero(name: str) -> None:
    family = find_family(name)
    rows = LABELS != 1.0
    job = fitter()
    params = family.portfolio(job.problem(int(rows.sum()), 4))[0]
    fitted = job.fit(family, params, Sample(FEATURES[rows], LABELS[rows]), Sample(FEATURES, LABELS), 60.0)
    assert fitted is not None
    probabilities = fitted.predict(FEATURES)
    assert probabilities.shape == (300, 3)
    assert (probabilities[:, 1] == 0.0).all()
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_rows_of_one_class_can_not_be_fitted() -> None:
    family = find_family("linear")
    sample = Sample(FEATURES, np.zeros(300))
    assert fitter().fit(family, {"C": 1.0}, sample, None, 60.0) is None


def test_a_fit_that_can_not_be_stopped_gets_fewer_rows_when_time_is_short() -> None:
    family = find_family("linear")
    job = fitter()
    problem = job.problem(300, 4)
    job.estimator.observe(family, problem, {"C": 1.0}, seconds=10.0)
    fitted = job.fit(family, {"C": 1.0}, Sample(FEATURES, LABELS), None, seconds=4.0)
    assert fitted is not None
    assert fitted.fit.truncated
    assert list(fitted.fit.estimator.classes_) == [0, 1, 2]


def test_a_fit_is_left_out_when_even_few_rows_would_take_too_long() -> None:
    family = find_family("linear")
    job = fitter()
    job.estimator.observe(family, job.problem(300, 4), {"C": 1.0}, seconds=1000.0)
    assert job.fit(family, {"C": 1.0}, Sample(FEATURES, LABELS), None, seconds=1.0) is None


def test_estimates_follow_what_fits_took_and_grow_with_the_rows() -> None:
    estimator, family = TimeEstimator(), find_family("linear")
    small, large = fitter().problem(1_000, 100), fitter().problem(100_000, 100)
    estimator.observe(family, small, {"C": 1.0}, seconds=2.0)
    assert 2.0 < estimator.seconds(family, small, {"C": 1.0}) < 4.0
    assert estimator.seconds(family, large, {"C": 1.0}) > 20.0
    # A family that was never fitted here is guessed by how this machine did on others.
    assert estimator.seconds(find_family("naive_bayes"), small, {}) > 0.01


def test_the_budget_counts_what_an_earlier_attempt_spent() -> None:
    moments = iter([100.0, 103.0, 111.0])
    budget = Budget(10.0, lambda: next(moments), spent=2.0)
    assert budget.elapsed() == 5.0
    assert budget.remaining() == -3.0
