"""Simulated experiments that are looked at after every single truth: how often a difference is told, and how soon."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pytest
from numpy.typing import NDArray

from services.drift.domain.experiments.sequential import (
    ALPHA,
    LEAST_REQUESTS,
    mixing,
    p_value,
    radius,
    variance_of_difference,
    weight_needed,
)

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]

# As many experiments are held in memory at once.
AT_ONCE = 100


def rate(p: float) -> Draw:
    return lambda random, shape: (random.random(shape) < p).astype(np.float64)


def exponential(mean: float) -> Draw:
    return lambda random, shape: random.exponential(mean, shape)


def lognormal(mean: float) -> Draw:
    return lambda random, shape: mean * random.lognormal(0, 1, shape)


@dataclass(frozen=True)
class Looks:
    """Experiments by row, looks by column: the difference, its variance and weight, and whether enough truths came."""

    difference: Array
    variance: Array
    plain_variance: Array
    weight: Array
    enough: NDArray[np.bool_]

    def told(self) -> NDArray[np.bool_]:
        """Return at which looks the sequential test tells a difference."""
        found = p_value(self.difference, self.variance, self.weight) <= ALPHA
        return np.asarray(found & self.enough)

    def told_naively(self) -> NDArray[np.bool_]:
        """Return at which looks the z-test of one look tells a difference."""
        return np.asarray((np.square(self.difference) > 1.96**2 * self.plain_variance) & self.enough)


def looks(champion: Draw, challenger: Draw, *, share: float, truths: int, seed: int, is_rate: bool) -> Looks:
    """Return AT_ONCE experiments, each looked at after each truth; the challenger has a share of them by chance."""
    random, shape = np.random.default_rng(seed), (AT_ONCE, truths)
    challenged = random.random(shape) < share
    values = np.where(challenged, challenger(random, shape), champion(random, shape))
    ours, theirs = _arm(values, ~challenged, is_rate), _arm(values, challenged, is_rate)
    count = np.minimum(ours[0], theirs[0])
    return Looks(
        difference=theirs[1] - ours[1],
        variance=variance_of_difference(ours[0], ours[2], theirs[0], theirs[2]),
        plain_variance=ours[2] + theirs[2],
        weight=ours[0] * theirs[0] / (ours[0] + theirs[0]),
        enough=count >= LEAST_REQUESTS,
    )


def _arm(values: Array, mine: NDArray[np.bool_], is_rate: bool) -> tuple[Array, Array, Array]:
    """Return count, mean and the mean's variance after each truth, as a Tally of single rows has them."""
    count = np.maximum(np.cumsum(mine, axis=1), 2).astype(np.float64)
    total = np.cumsum(np.where(mine, values, 0), axis=1)
    squares = np.cumsum(np.where(mine, values**2, 0), axis=1)
    variance = np.maximum(squares - total**2 / count, 0) / (count - 1) / count
    if is_rate:
        smoothed = (total + 1) / (count + 2)
        variance = np.maximum(variance, smoothed * (1 - smoothed) / count)
    return count, total / count, variance


def experiments(champion: Draw, challenger: Draw, *, number: int, share: float, truths: int, is_rate: bool) -> Looks:
    parts = [
        looks(champion, challenger, share=share, truths=truths, seed=seed, is_rate=is_rate)
        for seed in range(number // AT_ONCE)
    ]
    return Looks(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Looks)})


@pytest.mark.parametrize(
    ("draw", "share", "is_rate"),
    [
        pytest.param(rate(0.5), 0.5, True, id="rate 0.5"),
        pytest.param(rate(0.1), 0.5, True, id="rate 0.1"),
        pytest.param(rate(0.1), 0.1, True, id="rate 0.1, challenger at 10 percent"),
        pytest.param(rate(0.02), 0.5, True, id="rate 0.02"),
        pytest.param(exponential(1), 0.5, False, id="exponential errors"),
        pytest.param(exponential(1), 0.1, False, id="exponential errors, challenger at 10 percent"),
        pytest.param(lognormal(1), 0.1, False, id="lognormal errors, challenger at 10 percent"),
    ],
)
def test_without_a_difference_looking_after_each_of_5000_truths_alarms_in_at_most_5_percent(
    draw: Draw, share: float, is_rate: bool
) -> None:
    found = experiments(draw, draw, number=600, share=share, truths=5_000, is_rate=is_rate)
    assert found.enough[:, -1].all()
    assert found.told().any(axis=1).mean() <= ALPHA
    # The same simulation finds a test out that is not made for it.
    assert found.told_naively().any(axis=1).mean() > 4 * ALPHA
    assert found.told_naively()[:, -1].mean() == pytest.approx(ALPHA, abs=0.025), "one look is what it is made for"


@pytest.mark.parametrize(
    ("champion", "challenger", "share", "truths", "power"),
    [
        pytest.param(rate(0.20), rate(0.15), 0.5, 4_500, 0.95, id="0.20 and 0.15 in 4,500 truths"),
        pytest.param(rate(0.20), rate(0.15), 0.1, 15_000, 0.95, id="the same with 10 percent, in 15,000"),
        pytest.param(rate(0.10), rate(0.07), 0.5, 7_000, 0.95, id="0.10 and 0.07 in 7,000"),
        pytest.param(exponential(1.0), exponential(0.8), 0.5, 2_500, 0.95, id="errors of 1.0 and 0.8 in 2,500"),
    ],
)
def test_a_real_difference_is_found_and_never_told_the_wrong_way_round(
    champion: Draw, challenger: Draw, share: float, truths: int, power: float
) -> None:
    is_rate = bool(np.isin(champion(np.random.default_rng(0), (1, 9)), (0, 1)).all())
    found = experiments(champion, challenger, number=200, share=share, truths=truths, is_rate=is_rate)
    assert found.told().any(axis=1).mean() >= power
    first = np.argmax(found.told(), axis=1)
    ended = found.told().any(axis=1)
    assert (found.difference[np.arange(len(first)), first][ended] < 0).mean() >= 0.99


def test_a_small_share_of_a_small_rate_raises_no_alarms_in_30000_truths() -> None:
    found = experiments(rate(0.02), rate(0.02), number=200, share=0.05, truths=30_000, is_rate=True)
    assert found.told().any(axis=1).mean() <= ALPHA
    by_own_spread = p_value(found.difference, found.plain_variance, found.weight) <= ALPHA
    assert (by_own_spread & found.enough).any(axis=1).mean() > ALPHA, "an arm that looks calm by chance"


def test_the_interval_holds_the_true_difference_at_all_looks_together() -> None:
    found = experiments(rate(0.2), rate(0.17), number=500, share=0.5, truths=3_000, is_rate=True)
    outside = np.abs(found.difference + 0.03) > radius(found.variance, found.weight)
    assert (outside & found.enough).any(axis=1).mean() <= ALPHA


def test_the_p_value_and_the_interval_say_the_same() -> None:
    random = np.random.default_rng(1)
    difference, variance = random.normal(0, 0.1, 1000), random.exponential(0.001, 1000)
    weight = random.exponential(500, 1000)
    beyond = np.abs(difference) > radius(variance, weight)
    assert beyond.any() and not beyond.all()
    assert ((p_value(difference, variance, weight) < ALPHA) == beyond).all()


def test_the_interval_is_the_narrowest_at_the_weight_it_is_tuned_for() -> None:
    best = mixing(weight=500.0)
    others = [float(radius(1.0, 500.0, parameter=best * factor)) for factor in (0.9, 0.99, 1.01, 1.1)]
    assert float(radius(1.0, 500.0, parameter=best)) < min(others)
    assert float(radius(1.0, 500.0)) == pytest.approx(3.0, abs=0.1), "of 1.96 for one look"


def test_the_weight_that_a_difference_needs_is_that_at_which_it_is_told() -> None:
    difference, variance, weight = 0.02, 0.0002, 800.0
    needed = weight_needed(difference, variance, weight)
    spread = variance * weight
    assert needed > weight
    assert float(radius(spread / needed, needed)) == pytest.approx(difference)
    assert weight_needed(0.0, variance, weight) == math.inf
    assert weight_needed(0.5, variance, weight) == pytest.approx(weight), "it is told already"


def test_nothing_is_told_of_nothing() -> None:
    assert float(radius(1.0, 0.0)) == math.inf
    assert float(p_value(0.0, 0.0, 100.0)) == 1.0
    assert float(p_value(0.1, 0.0, 100.0)) == 0.0
