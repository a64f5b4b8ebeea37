"""Upper tails of two distributions, in closed form: loading scipy for them would cost half a second and 27 MB."""

from __future__ import annotations

import math


def chi_squared_survival(value: float, degrees: int) -> float:
    """Return P(X >= value) of a chi-squared distribution with whole degrees of freedom; 1 for no degrees.

    The regularised upper gamma function Q(a, x) for a = degrees / 2 by its recurrence
    Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1), from Q(1/2, x) = erfc(sqrt x) or Q(1, x) = e^-x
    (NIST Digital Library of Mathematical Functions, 8.8.6 and 8.4).
    """
    if degrees <= 0 or value <= 0:
        return 1.0
    x = value / 2
    odd = degrees % 2 == 1
    total = math.erfc(math.sqrt(x)) if odd else 0.0
    order = 0.5 if odd else 0.0
    while order < degrees / 2:
        total += math.exp(order * math.log(x) - x - math.lgamma(order + 1))
        order += 1
    return min(total, 1.0)


def kolmogorov_survival(value: float) -> float:
    """Return P(K >= value) of Kolmogorov's limiting distribution: 2 sum (-1)^(k-1) exp(-2 k^2 value^2).

    Below 0.2 the probability differs from 1 by less than 1e-12 (Kolmogorov 1933; Marsaglia, Tsang and Wang 2003).
    """
    if value < 0.2:
        return 1.0
    total: float = sum((-1.0) ** (k - 1) * math.exp(-2 * k * k * value * value) for k in range(1, 40))
    return min(max(2 * total, 0.0), 1.0)
