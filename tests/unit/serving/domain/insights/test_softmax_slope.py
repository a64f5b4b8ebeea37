"""Contributions to scores become contributions to probabilities, whatever the size of the scores."""

from __future__ import annotations

import numpy as np
import pytest

from services.serving.domain.insights.softmax_slope import mean_slope, softmax


@pytest.mark.parametrize("size", [1e-9, 1.0, 30.0, 1e3, 1e8])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_slope_times_change_is_the_change_of_probability(size: float, classes: int) -> None:
    random = np.random.default_rng(classes)
    base, change = random.normal(size=classes), size * random.normal(size=(50, classes))
    slope = mean_slope(base, change)
    np.testing.assert_allclose(
        np.einsum("nkc,nc->nk", slope, change), softmax(base + change) - softmax(base), atol=1e-9
    )
    np.testing.assert_allclose(slope.sum(axis=1), 0.0, atol=1e-12)


def test_the_slope_of_a_short_way_is_the_derivative() -> None:
    base = np.array([0.3, -1.0, 0.5])
    probabilities = softmax(base)
    expected = np.diag(probabilities) - np.outer(probabilities, probabilities)
    np.testing.assert_allclose(mean_slope(base, np.zeros((1, 3)))[0], expected, atol=1e-12)


def test_lines_of_rows_do_not_touch_each_other() -> None:
    base = np.array([0.0, 1.0, 2.0])
    change = np.array([[50.0, 0.0, -50.0], [0.1, 0.2, 0.3], [0.0, 4000.0, 0.0]])
    together = mean_slope(base, change)
    for row in range(3):
        np.testing.assert_allclose(mean_slope(base, change[row : row + 1])[0], together[row], atol=1e-12)
