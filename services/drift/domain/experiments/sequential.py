"""A test of the difference of two means that stays valid however often, and whenever, one looks at it.

The normal mixture of Robbins (1970, "Statistical methods related to the law of the iterated logarithm"), as the mixture
sequential probability ratio test of Johari, Koomen, Pekelis and Walsh (2022, "Always valid inference: continuous
monitoring of A/B tests", Operations Research 70), with the variance estimated from the data: by Waudby-Smith, Arbour,
Sinha, Kennedy and Ramdas (2024, "Time-uniform central limit theory and asymptotic confidence sequences", Annals of
Statistics 52) it then holds for large samples, so nobody is told of small ones.

In the notation below, `weight` is n m / (n + m) for arms of n and m rows, summed over strata; the weight times the
difference is a sum over the rows, whose variance grows with the weight; `variance` is that of the difference. Scores
of independent increments for any sequence of n and m are in Jennison and Turnbull (2000), "Group sequential methods",
chapter 3.

All functions take floats or arrays alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = float | NDArray[np.float64]

# The chance of ever telling a difference where there is none.
ALPHA = 0.05
# The weight at which the interval is the narrowest that a mixture gives: 2,000 truths, half of them in each arm.
TUNED_WEIGHT = 500.0
# Below so many requests with a truth in either arm, nothing is said: the theory is one of large samples.
LEAST_REQUESTS = 100


def mixing(alpha: float = ALPHA, weight: float = TUNED_WEIGHT) -> float:
    """Return the mixture's parameter, in units of the weight, that makes the interval narrowest at this weight.

    Where the derivative of the width is 0: at weight / (u - 1), with u - log u = 1 - 2 log alpha.
    """
    u = start = 1 - 2 * math.log(alpha)
    for _ in range(50):
        u = start + math.log(u)
    return weight / (u - 1)


MIXING = mixing()


def variance_of_difference(
    rows: Numbers, variance: Numbers, other_rows: Numbers, other_variance: Numbers, *, opposed: bool = False
) -> NDArray[np.float64]:
    """Return the variance of the difference of two means, given the rows and the variance of each.

    The larger of two estimates: each arm by its own spread, and both by the spread of all rows together, which is what
    they have where there is no difference. With the first alone a small arm that looks calm by chance would raise an
    alarm: where losses are rare or skewed, the spread is underestimated just where the mean is.
    Opposed arms answer the same requests, and may err against each other: whatever they do, the standard error of the
    difference is at most the sum of both.
    """
    spread = (rows**2 * variance + other_rows**2 * other_variance) / (rows + other_rows)
    separate = _sum(variance, other_variance, opposed=opposed)
    return np.maximum(separate, _sum(spread / rows, spread / other_rows, opposed=opposed))


def radius(variance: Numbers, weight: Numbers, alpha: float = ALPHA, parameter: float = MIXING) -> NDArray[np.float64]:
    """Return half the width of the confidence sequence at 1 - alpha around the difference; infinite without data."""
    weight = np.asarray(weight, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        # In units of the difference's standard error.
        width = np.sqrt((weight + parameter) / weight * np.log((weight + parameter) / (parameter * alpha**2)))
        found = np.where(weight > 0, width * np.sqrt(variance), np.inf)
    return np.asarray(found, dtype=np.float64)


def p_value(difference: Numbers, variance: Numbers, weight: Numbers) -> NDArray[np.float64]:
    """Return the always-valid p-value of no difference: below alpha just where the confidence sequence leaves out 0.

    Under no difference the chance that it is ever below alpha is at most alpha (Ville's inequality).
    """
    weight = np.asarray(weight, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        z_squared = np.where(np.asarray(difference) == 0, 0.0, np.square(difference) / variance)
    # The likelihood ratio of the mixture to no difference, as a logarithm.
    evidence = z_squared * weight / (weight + MIXING) / 2 + np.log(MIXING / (weight + MIXING)) / 2
    return np.exp(-np.maximum(evidence, 0.0))


def weight_needed(difference: float, variance: float, weight: float, alpha: float = ALPHA) -> float:
    """Return the weight at which a difference that stays as it is is told, at the spread that was seen.

    Infinite where it is 0.
    """
    if difference == 0 or weight <= 0:
        return math.inf
    spread = variance * weight
    low = high = weight
    while float(radius(spread / high, high, alpha)) > abs(difference):
        low, high = high, high * 2
        if not math.isfinite(high):
            return math.inf
    for _ in range(40):
        middle = (low + high) / 2
        if float(radius(spread / middle, middle, alpha)) > abs(difference):
            low = middle
        else:
            high = middle
    return high


def _sum(one: Numbers, other: Numbers, *, opposed: bool) -> NDArray[np.float64]:
    return np.asarray((np.sqrt(one) + np.sqrt(other)) ** 2 if opposed else one + other, dtype=np.float64)
