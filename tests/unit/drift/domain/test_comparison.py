from __future__ import annotations

import numpy as np

from services.drift.domain.comparison import compare_categories, quantile_groups, rare_groups
from services.drift.domain.reference import CategoryReference
from services.drift.domain.window import sketch_texts


def test_fifty_equal_bins_become_ten_groups() -> None:
    assert quantile_groups(np.full(50, 20)).tolist() == np.repeat(np.arange(10), 5).tolist()


def test_a_bin_that_holds_nearly_all_is_a_group_of_its_own() -> None:
    assert quantile_groups(np.array([910, 30, 30, 30])).tolist() == [0, 1, 1, 1]


def test_the_bins_around_a_constant_are_not_merged_with_it() -> None:
    assert quantile_groups(np.array([0, 100, 0])).tolist() == [0, 1, 2]


def test_categories_that_would_hold_fewer_than_five_rows_are_pooled_with_the_others() -> None:
    counts = np.array([900, 80, 15, 5, 0, 100])
    assert rare_groups(counts, 110).tolist() == [0, 1, 2, 2, 2, 3]
    assert rare_groups(counts, 11_000).tolist() == [0, 1, 2, 3, 4, 5]


def test_missing_values_are_a_cell_of_their_own() -> None:
    column = CategoryReference("x", 10, ("a", "b"), np.array([60, 30]), 0)
    comparison = compare_categories(column, sketch_texts(column, ["a"] * 50 + [""] * 50))
    assert comparison.reference.tolist() == [60, 30, 0, 10]
    assert comparison.window.tolist() == [50, 0, 0, 50]
