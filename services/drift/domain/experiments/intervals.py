"""Confidence intervals of one arm, at 95 %, for one look."""

from __future__ import annotations

import math
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)
# Student's quantile below is exact to 0.1 % from here on, and skewed losses need more anyway.
LEAST_REQUESTS = 10


def wilson(rate: float, rows: float) -> tuple[float, float]:
    """Return the interval of a rate seen in so many independent rows.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    middle = (rate + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
    half = Z / (1 + Z * Z / rows) * math.sqrt(rate * (1 - rate) / rows + Z * Z / (4 * rows * rows))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def effective_rows(rate: float, rows: int, requests: int, variance: float) -> float:
    """Return how many independent rows know a rate as well as these rows of requests, with that variance of the rate.

    The rows by the design effect, after Korn and Graubard (1998), "Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data"; the requests where all rows are alike, so that the
    effect can't be seen.
    """
    independent = rate * (1 - rate) / rows
    return rows * min(1.0, independent / variance) if independent > 0 and variance > 0 else float(requests)


def student(mean: float, variance: float, requests: int) -> tuple[float, float]:
    """Return the interval of a mean of losses, of which none is below 0, from the variance of the mean.

    Student (1908), with a degree of freedom less than requests; good for means of many requests, too narrow for few
    that are much skewed.
    """
    half = student_quantile(requests - 1) * math.sqrt(variance)
    return max(mean - half, 0.0), mean + half


def student_quantile(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution, for 9 degrees or more.

    Abramowitz and Stegun (1964), "Handbook of mathematical functions", 26.7.5.
    """
    z, v = Z, degrees
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(v) ** power for power, term in enumerate(terms))
