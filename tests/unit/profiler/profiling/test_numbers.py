from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from services.profiler.domain.profiling.numbers import PROBABILITIES, number_text, summarise_numbers

RANDOM = np.random.default_rng(3)
SAMPLES = {
    "normal": RANDOM.normal(10, 3, 2_001),
    "skewed": RANDOM.exponential(5, 5_000),
    "whole": RANDOM.integers(-4, 9, 3_000).astype(float),
    "large": RANDOM.normal(1e9, 1, 1_000),
    "few": np.array([3.0, 1.0, 2.0, 2.0]),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_moments_and_quantiles_are_those_of_pandas(name: str) -> None:
    values = SAMPLES[name]
    series = pd.Series(values)
    summary = summarise_numbers(values)
    numbers = summary.numbers
    assert numbers is not None
    assert summary.distinct == series.nunique()
    assert numbers.mean == pytest.approx(series.mean())
    assert numbers.stddev == pytest.approx(series.std())
    assert numbers.skewness == pytest.approx(series.skew(), abs=1e-6)
    assert numbers.kurtosis == pytest.approx(series.kurt(), abs=1e-6)
    assert dict(numbers.quantiles) == pytest.approx(series.quantile(list(PROBABILITIES)).to_dict())
    assert (numbers.zeros, numbers.negatives) == ((values == 0).sum(), (values < 0).sum())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_is_in_one_bin(name: str) -> None:
    numbers = summarise_numbers(SAMPLES[name]).numbers
    assert numbers is not None
    assert sum(bin.count for bin in numbers.histogram) == SAMPLES[name].size
    assert all(
        left.upper == right.lower for left, right in zip(numbers.histogram, numbers.histogram[1:], strict=False)
    ) or (numbers.whole)


def test_outliers_lie_beyond_tukeys_fences() -> None:
    values = np.concatenate([np.arange(100.0), [1e6, -1e6, 149.0]])
    numbers = summarise_numbers(values).numbers
    assert numbers is not None
    low, high = numbers.quantile(0.25), numbers.quantile(0.75)
    reach = 1.5 * (high - low)
    assert numbers.outliers == ((values < low - reach) | (values > high + reach)).sum() == 2


def test_the_most_frequent_values_come_first_and_ties_by_value() -> None:
    levels = summarise_numbers(np.array([5.0, 1.0, 5.0, 3.0, 1.0, 2.0]), levels=3).levels
    assert [(level.value, level.count) for level in levels] == [("1", 2), ("5", 2), ("2", 1)]


def test_no_values_give_no_numbers_and_one_value_no_spread() -> None:
    assert summarise_numbers(np.array([])).numbers is None
    numbers = summarise_numbers(np.array([7.0, 7.0])).numbers
    assert numbers is not None
    assert (numbers.stddev, numbers.skewness, numbers.kurtosis, numbers.outliers) == (0, 0, 0, 0)


def test_whole_numbers_are_written_without_a_point() -> None:
    assert (number_text(3.0, True), number_text(3.0, False), number_text(1e300, True)) == ("3", "3.0", "1e+300")
