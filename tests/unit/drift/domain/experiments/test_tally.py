"""Means and variances from sums, whatever came, was corrected and came again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.drift.domain.experiments.exact_sum import plus
from services.drift.domain.experiments.tally import RequestLoss, Tally
from tests.unit.drift.events import adult, sample

AGES = np.asarray(sample(adult(), 300, seed=1)["age"], dtype=np.float64)


def tally_of(requests: list[list[float]]) -> Tally:
    tally = Tally()
    for losses in requests:
        request = RequestLoss()
        for loss in losses:
            after = request.add(loss, 1)
            tally, request = tally.changed(request, after), after
    return tally


def test_of_single_rows_it_is_the_plain_mean_and_its_variance() -> None:
    tally = tally_of([[age] for age in AGES])
    assert tally.mean == pytest.approx(AGES.mean())
    assert tally.variance(is_rate=False) == pytest.approx(AGES.var(ddof=1) / len(AGES))


def test_of_requests_it_is_the_delta_methods_variance_of_a_ratio() -> None:
    parts = np.split(AGES, np.cumsum(np.random.default_rng(2).integers(1, 9, 60)))
    requests = [part.tolist() for part in parts if len(part)]
    tally = tally_of(requests)
    sums, rows = np.array([sum(part) for part in requests]), np.array([len(part) for part in requests])
    ratio = sums.sum() / rows.sum()
    residuals = sums - ratio * rows
    expected = residuals.var(ddof=1) * len(rows) / rows.sum() ** 2
    assert tally.mean == pytest.approx(ratio)
    assert tally.variance(is_rate=False) == pytest.approx(expected)
    assert (tally.requests, tally.rows) == (len(rows), rows.sum())


def test_rows_that_err_together_count_as_few() -> None:
    alike = [[float(wrong)] * 50 for wrong in np.random.default_rng(3).random(200) < 0.2]
    apart = [[float(wrong)] for wrong in np.random.default_rng(3).random(10_000) < 0.2]
    assert tally_of(alike).variance(is_rate=True) > 30 * tally_of(apart).variance(is_rate=True)


def test_what_is_taken_out_again_leaves_nothing() -> None:
    before = tally_of([[age] for age in AGES])
    mistyped = before.changed(RequestLoss(), RequestLoss().add(1e14, 1))
    assert mistyped.variance(is_rate=False) > 1e20
    after = mistyped.changed(RequestLoss().add(1e14, 1), RequestLoss())
    assert after.mean == before.mean
    assert after.variance(is_rate=False) == before.variance(is_rate=False)


def test_a_rate_of_no_errors_in_a_few_rows_is_not_known_to_be_none() -> None:
    tally = tally_of([[0.0]] * 20)
    assert (tally.mean, tally.variance(is_rate=False)) == (0.0, 0.0)
    assert tally.variance(is_rate=True) == pytest.approx(1 / 22 * 21 / 22 / 20)


def test_two_parts_together_are_the_whole() -> None:
    requests = [[age, age / 2] for age in AGES]
    merged = tally_of(requests[:100]).merge(tally_of(requests[100:]))
    whole = tally_of(requests)
    assert merged.mean == whole.mean
    assert merged.variance(is_rate=False) == pytest.approx(whole.variance(is_rate=False), rel=1e-12)


def test_a_loss_that_does_not_apply_is_no_row() -> None:
    assert RequestLoss().add(math.nan, 1) == RequestLoss()
    assert Tally().changed(RequestLoss(), RequestLoss()) == Tally()
    assert math.isnan(Tally().mean) and math.isinf(Tally().variance(is_rate=False))


def test_a_sum_is_exact_whatever_the_sizes() -> None:
    total: tuple[float, ...] = ()
    values = [1e16, 1.0, -1e16, 0.1, 1e-20, -0.1]
    for value in values:
        total = plus(total, value)
    assert math.fsum(total) == 1.0 + 1e-20 == math.fsum(values)
    assert plus(plus((), 0.1), -0.1) == ()


def test_sums_too_large_for_a_variance_say_nothing_instead_of_failing() -> None:
    assert tally_of([[1.0], [1e154], [1e154]]).variance(is_rate=False) > 1e300
    assert tally_of([[1.0], [2.0], [1e200]]).variance(is_rate=False) == math.inf
