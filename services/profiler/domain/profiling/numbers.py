"""One sort of a column of numbers gives its distinct values, quantiles, histogram, outliers and top values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .model import Bin, Level, Numbers

PROBABILITIES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BINS = 20
# Up to this many whole numbers get one bin each.
_ONE_BIN_EACH = 20
# Tukey's fences, in interquartile ranges.
_FENCE = 1.5


@dataclass(frozen=True)
class NumberSummary:
    """What the values of a column of numbers are like."""

    numbers: Numbers | None
    distinct: int
    levels: tuple[Level, ...]


def summarise_numbers(values: NDArray[np.float64], levels: int = 10) -> NumberSummary:
    """Return the summary of finite values in any order; without values there are no numbers.

    Skewness and kurtosis are the bias-corrected sample ones (Joanes and Gill 1998, G1 and G2), as pandas gives them.
    """
    if not values.size:
        return NumberSummary(None, 0, ())
    ordered = np.sort(values)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    distinct = ordered[starts]
    counts = np.diff(np.append(starts, ordered.size))
    # Whole numbers keep their value when rounded; the distinct ones are enough to ask.
    whole = bool(np.all(distinct == np.floor(distinct)))
    quantiles = np.quantile(distinct, PROBABILITIES) if distinct.size == ordered.size else _quantiles(ordered)
    mean, stddev, skewness, kurtosis = _moments(ordered)
    low, high = float(quantiles[2]), float(quantiles[4])
    reach = _FENCE * (high - low)
    outliers = ordered.size - (
        np.searchsorted(ordered, high + reach, "right") - np.searchsorted(ordered, low - reach, "left")
    )
    zeros = np.searchsorted(ordered, 0.0, "right") - np.searchsorted(ordered, 0.0, "left")
    numbers = Numbers(
        float(ordered[0]), float(ordered[-1]), mean, stddev, skewness, kurtosis,
        tuple(zip(PROBABILITIES, map(float, quantiles), strict=True)), _histogram(ordered, distinct, counts, whole),
        int(outliers), int(zeros), int(np.searchsorted(ordered, 0.0, "left")), whole,
    )  # fmt: skip
    return NumberSummary(numbers, int(distinct.size), _most_frequent(distinct, counts, whole, levels))


def number_text(value: float, whole: bool) -> str:
    """Return a number as a person writes it: 3, not 3.0, where all values are whole."""
    return str(int(value)) if whole and abs(value) < 1e15 else repr(float(value))


def _quantiles(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    positions = np.asarray(PROBABILITIES) * (ordered.size - 1)
    below = np.floor(positions).astype(np.int64)
    above = np.minimum(below + 1, ordered.size - 1)
    return np.asarray(ordered[below] + (ordered[above] - ordered[below]) * (positions - below))


def _moments(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    n = values.size
    mean = float(values.mean())
    centred = values - mean
    square = centred * centred
    m2 = float(square.mean())
    stddev = math.sqrt(m2 * n / (n - 1)) if n > 1 else 0.0
    if m2 <= 0.0 or n < 4:
        return mean, stddev, 0.0, 0.0
    m3, m4 = float((square * centred).mean()), float((square * square).mean())
    skewness = math.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * m4 / m2**2 - 3 * (n - 1))
    return mean, stddev, skewness, kurtosis


def _histogram(
    ordered: NDArray[np.float64], distinct: NDArray[np.float64], counts: NDArray[np.int64], whole: bool
) -> tuple[Bin, ...]:
    if distinct.size == 1 or (whole and distinct.size <= _ONE_BIN_EACH):
        return tuple(Bin(float(v) - 0.5, float(v) + 0.5, int(c)) for v, c in zip(distinct, counts, strict=True))
    edges = np.linspace(ordered[0], ordered[-1], _BINS + 1)
    positions = np.searchsorted(ordered, edges, "left")
    positions[-1] = ordered.size
    inside = np.diff(positions)
    return tuple(Bin(float(edges[i]), float(edges[i + 1]), int(inside[i])) for i in range(_BINS))


def _most_frequent(
    distinct: NDArray[np.float64], counts: NDArray[np.int64], whole: bool, limit: int
) -> tuple[Level, ...]:
    if distinct.size > 4 * limit:
        chosen = np.argpartition(-counts, limit)[:limit]
        distinct, counts = distinct[chosen], counts[chosen]
    order = np.lexsort((distinct, -counts))[:limit]
    return tuple(Level(number_text(float(distinct[i]), whole), int(counts[i])) for i in order)
