from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from services.drift.adapters.reference_reader import read_reference
from services.drift.domain.comparison import compare_numbers
from services.drift.domain.reference import NumberReference
from services.drift.domain.statistics.wasserstein import wasserstein
from services.drift.domain.window import sketch_numbers
from tests.unit.drift.capture import capture, read_table


def from_bins(reference: np.ndarray, window: np.ndarray) -> float:
    """Return the distance as the service takes it: no row of the reference left, one pass over the window."""
    (column,) = read_reference(capture({"x": reference})).columns
    assert isinstance(column, NumberReference)
    comparison = compare_numbers(column, sketch_numbers(column, window))
    assert comparison.bins is not None
    return wasserstein(comparison.fine_reference[:-1], comparison.fine_window[:-1], comparison.bins)


def from_rows(reference: np.ndarray, window: np.ndarray) -> float:
    return float(stats.wasserstein_distance(reference, window) / reference.std())


ADULT = read_table("adult/adult.csv")
CALIFORNIA = read_table("california_housing/california_housing.csv.gz")


@pytest.mark.parametrize("name", ["age", "fnlwgt", "education-num", "capital-gain", "hours-per-week"])
@pytest.mark.parametrize("shift", [0.0, 0.3, 3.0])
def test_bins_give_the_distance_of_adults_rows(name: str, shift: float) -> None:
    values = np.asarray(ADULT[name], dtype=np.float64)
    reference, window = values[:16_000], values[16_000:] + shift * values.std()
    assert from_bins(reference, window) == pytest.approx(from_rows(reference, window), rel=0.02, abs=0.02)


@pytest.mark.parametrize("name", ["latitude", "median_income", "total_rooms", "median_house_value"])
def test_bins_give_the_distance_between_regions(name: str) -> None:
    values, north = np.asarray(CALIFORNIA[name]), np.asarray(CALIFORNIA["latitude"]) > 36
    reference, window = values[north], values[~north]
    assert from_bins(reference, window) == pytest.approx(from_rows(reference, window), rel=0.03, abs=0.02)


def test_values_far_outside_the_training_range_count_in_full() -> None:
    values = np.asarray(ADULT["age"], dtype=np.float64)
    assert from_bins(values, values + 10_000) == pytest.approx(10_000 / values.std(), rel=0.001)


def test_a_narrower_window_is_a_distance_too() -> None:
    values = np.asarray(ADULT["age"], dtype=np.float64)
    window = values.mean() + (values - values.mean()) * 0.5
    assert from_bins(values, window) == pytest.approx(from_rows(values, window), rel=0.05)


def test_a_constant_column_is_measured_in_its_own_unit() -> None:
    assert from_bins(np.full(100, 5.0), np.full(50, 7.0)) == pytest.approx(2.0)


def test_a_side_without_values_scores_zero() -> None:
    assert from_bins(np.array([1.0, 2.0, 3.0]), np.array([np.nan])) == 0.0
