from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from services.drift.domain.statistics.psi import psi, psi_noise, psi_p_value


def test_equal_shares_score_zero_whatever_the_sizes() -> None:
    assert psi(np.array([10, 20, 70]), np.array([100, 200, 700])) == 0.0


def test_a_shift_scores_the_sum_of_share_difference_times_log_ratio() -> None:
    expected = (0.8 - 0.5) * np.log(0.8 / 0.5) + (0.2 - 0.5) * np.log(0.2 / 0.5)
    assert psi(np.array([50, 50]), np.array([80, 20])) == pytest.approx(expected)


def test_an_empty_cell_counts_as_a_share_of_one_in_ten_thousand() -> None:
    expected = (0.5 - 1) * np.log(0.5 / 1) + (0.5 - 1e-4) * np.log(0.5 / 1e-4)
    assert psi(np.array([10, 0]), np.array([5, 5])) == pytest.approx(expected)


def test_a_side_without_rows_scores_zero() -> None:
    assert psi(np.array([0, 0]), np.array([5, 5])) == 0.0
    assert psi_p_value(np.array([3, 4]), np.array([0, 0])) == 1.0


def test_sampling_alone_scores_as_much_as_the_noise_says() -> None:
    draw = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    pairs = [(draw.multinomial(2000, shares), draw.multinomial(500, shares)) for _ in range(2000)]
    scale, degrees = psi_noise(*pairs[0])
    assert degrees == 9
    assert np.mean([psi(*pair) for pair in pairs]) == pytest.approx(scale * degrees, rel=0.05)


def test_p_values_of_samples_of_one_population_are_uniform() -> None:
    draw = np.random.default_rng(2)
    shares = np.full(10, 0.1)
    values = [psi_p_value(draw.multinomial(5000, shares), draw.multinomial(2000, shares)) for _ in range(1500)]
    assert stats.kstest(values, "uniform").pvalue > 0.001
