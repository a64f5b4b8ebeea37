from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import distance

from services.drift.domain.statistics.jensen_shannon import jensen_shannon


def test_the_distance_is_scipys_to_base_two() -> None:
    p, q = np.array([10, 20, 0, 70]), np.array([5, 25, 30, 40])
    assert jensen_shannon(p, q) == pytest.approx(distance.jensenshannon(p, q, base=2))


def test_it_runs_from_zero_for_equal_to_one_for_disjoint_and_is_symmetric() -> None:
    assert jensen_shannon(np.array([1, 2]), np.array([10, 20])) == pytest.approx(0.0, abs=1e-8)
    assert jensen_shannon(np.array([1, 0]), np.array([0, 7])) == pytest.approx(1.0)
    assert jensen_shannon(np.array([3, 1]), np.array([1, 4])) == jensen_shannon(np.array([1, 4]), np.array([3, 1]))


def test_a_side_without_rows_scores_zero() -> None:
    assert jensen_shannon(np.array([3, 1]), np.array([0, 0])) == 0.0
