from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from services.profiler.domain.profiling.associations import (
    SampledColumn,
    associations,
    codes_of_numbers,
    cramers_v,
    strongest,
)

RANDOM = np.random.default_rng(5)


def numeric(values: np.ndarray) -> SampledColumn:
    codes, levels = codes_of_numbers(values, len(np.unique(values)))
    return SampledColumn(values, codes, levels, category=False)


def category(codes: np.ndarray) -> SampledColumn:
    return SampledColumn(None, codes, int(codes.max()), category=True)


def test_pearson_over_rows_with_both_values_is_that_of_pandas() -> None:
    x = RANDOM.normal(1e6, 1, 1_000)
    y = 2 * x + RANDOM.normal(0, 1, 1_000)
    x[::7] = np.nan
    y[::5] = np.nan
    pair = associations({"x": numeric(x), "y": numeric(y)})[0]
    assert (pair.method, pair.value) == ("pearson", pytest.approx(pd.Series(x).corr(pd.Series(y)), abs=1e-9))


def test_a_column_without_spread_has_no_pairs() -> None:
    assert associations({"x": numeric(np.ones(50)), "y": numeric(np.arange(50.0))}) == ()


def test_cramers_v_is_one_for_the_same_split_and_near_zero_for_none() -> None:
    left = RANDOM.integers(1, 5, 20_000)
    assert cramers_v(category(left), category(5 - left)) == pytest.approx(1.0, abs=1e-3)
    other = cramers_v(category(left), category(RANDOM.integers(1, 4, 20_000)))
    assert other is not None
    assert other < 0.03


def test_missing_values_do_not_count() -> None:
    left, right = RANDOM.integers(1, 4, 1_000), RANDOM.integers(1, 4, 1_000)
    both = left.copy()
    both[::2] = 0
    right[1::2] = left[1::2]
    assert cramers_v(category(both), category(right)) == pytest.approx(1.0, abs=1e-2)


def test_a_number_pairs_with_a_category_by_its_bins() -> None:
    codes = RANDOM.integers(1, 3, 2_000)
    values = codes * 10 + RANDOM.normal(0, 1, 2_000)
    pair = associations({"group": category(codes), "value": numeric(values)})[0]
    assert pair.method == "cramers_v"
    assert pair.value > 0.9
    assert strongest((pair,), "value") == [("group", pair.value)]
