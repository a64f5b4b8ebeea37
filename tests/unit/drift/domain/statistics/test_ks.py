from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from services.drift.domain.statistics.ks import ks
from tests.unit.drift.capture import capture_column, read_table


def test_the_distance_is_the_largest_gap_of_the_cumulated_shares() -> None:
    distance, _ = ks(np.array([25, 25, 25, 25]), np.array([10, 20, 30, 40]))
    assert distance == pytest.approx(0.20)


def test_distance_and_p_value_of_binned_ages_are_close_to_scipys_of_the_rows() -> None:
    ages = np.asarray(read_table("adult/adult.csv")["age"], dtype=np.float64)
    reference, window = ages[:20_000], ages[20_000:21_000] + 1
    column = capture_column("age", reference)
    counts = np.bincount(np.searchsorted(column.edges, window, side="left"), minlength=len(column.bin_counts))
    distance, p_value = ks(np.array(column.bin_counts), counts)
    exact = stats.ks_2samp(reference, window, method="asymp")
    assert exact.statistic - 0.02 <= distance <= exact.statistic + 1e-12
    assert p_value == pytest.approx(exact.pvalue, rel=0.5)


def test_a_side_without_values_tells_nothing() -> None:
    assert ks(np.array([1, 2]), np.array([0, 0])) == (0.0, 1.0)
