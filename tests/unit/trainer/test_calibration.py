"""What is kept of held-out rows' scores."""

from __future__ import annotations

import numpy as np

from services.trainer.domain.calibration import calibrate


def test_every_score_of_a_few_rows_is_kept_in_order() -> None:
    found = calibrate(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 2.5]))
    assert found.count == 3
    assert found.ranks.tolist() == [1, 2, 3]
    assert found.scores.tolist() == [0.0, 0.5, 2.0]


def test_a_class_scores_by_the_probability_that_was_not_given_to_it() -> None:
    probabilities = np.array([[0.9, 0.1], [0.25, 0.75]])
    assert np.allclose(calibrate(probabilities, np.array([0.0, 0.0])).scores, [0.1, 0.75])


def test_of_many_rows_some_scores_are_kept_the_largest_among_them() -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    found = calibrate(values, np.zeros(50_000))
    ordered = np.sort(np.abs(values))
    assert len(found.scores) == 4096
    assert found.count == found.ranks[-1] == 50_000
    assert np.array_equal(found.scores, ordered[found.ranks - 1])
    assert np.diff(found.ranks).max() <= 13
