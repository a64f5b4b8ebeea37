from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from services.drift.domain.statistics.chi_squared import chi_squared


def test_statistic_and_p_value_are_scipys() -> None:
    table = np.array([[120, 40, 30, 10], [30, 20, 18, 2]])
    exact = stats.chi2_contingency(table, correction=False)
    assert chi_squared(table[0], table[1]) == pytest.approx((exact.statistic, exact.pvalue))


def test_cells_that_are_empty_on_both_sides_do_not_count() -> None:
    with_empty = chi_squared(np.array([50, 0, 50]), np.array([30, 0, 70]))
    assert with_empty == chi_squared(np.array([50, 50]), np.array([30, 70]))


def test_one_cell_or_no_rows_tell_nothing() -> None:
    assert chi_squared(np.array([50, 0]), np.array([30, 0])) == (0.0, 1.0)
    assert chi_squared(np.array([50, 50]), np.array([0, 0])) == (0.0, 1.0)
