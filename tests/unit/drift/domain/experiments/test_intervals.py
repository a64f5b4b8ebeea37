"""Intervals of one arm, against scipy and by how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from services.drift.domain.experiments.intervals import effective_rows, student, student_quantile, wilson


@pytest.mark.parametrize(("errors", "rows"), [(0, 20), (3, 20), (137, 1000), (20, 20)])
def test_a_rates_interval_is_wilsons(errors: int, rows: int) -> None:
    expected = stats.binomtest(errors, rows).proportion_ci(method="wilson")
    assert wilson(errors / rows, rows) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("degrees", [9, 30, 99, 10_000])
def test_a_means_interval_is_students(degrees: int) -> None:
    assert student_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-4)


def test_an_interval_of_losses_does_not_reach_below_0() -> None:
    assert student(0.1, 1.0, 20)[0] == 0.0


def test_intervals_of_requests_whose_rows_err_together_hold_the_rate() -> None:
    random, held = np.random.default_rng(4), 0
    for _ in range(400):
        # Each request of 20 rows has an error rate of its own, 0.2 on average.
        sums = random.binomial(20, random.beta(2, 8, 150)).astype(float)
        rate = sums.sum() / 3000
        variance = np.square(sums - rate * 20).sum() / 3000**2 * 150 / 149
        low, high = wilson(rate, effective_rows(rate, 3000, 150, float(variance)))
        held += low <= 0.2 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_rows_that_are_all_alike_count_as_their_requests() -> None:
    assert effective_rows(0.0, 1000, 10, 0.0) == 10
