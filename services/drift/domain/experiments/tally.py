"""The mean of a loss and how sure it is, from sums alone.

Requests are what a split draws by chance, not rows: those of one request went to the same version, and often err
together. So the variance is that of a ratio of sums over requests, by the delta method, as in Deng, Knoblich and Lu
(2018), "Applying the delta method in metric analytics"; where each request has one row it is the plain one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .exact_sum import ExactSum, plus


@dataclass(frozen=True)
class RequestLoss:
    """The sum of the losses of one request's rows whose truth is known."""

    rows: int = 0
    total: ExactSum = ()

    def add(self, loss: float, weight: int) -> RequestLoss:
        """Return the sum with a row's loss added (weight 1) or taken out (-1); NaN changes nothing."""
        if math.isnan(loss):
            return self
        return RequestLoss(self.rows + weight, plus(self.total, weight * loss))


@dataclass(frozen=True)
class Tally:
    """Sums over requests of r rows and a loss of e: r, r^2, e, e^2 and e r."""

    requests: int = 0
    rows: int = 0
    row_squares: int = 0
    total: ExactSum = field(default=())
    squares: ExactSum = field(default=())
    products: ExactSum = field(default=())

    def changed(self, before: RequestLoss, after: RequestLoss) -> Tally:
        """Return the tally in which one request's loss is another by now."""
        return self._add(before, -1)._add(after, 1)

    def merge(self, other: Tally) -> Tally:
        """Return the tally of both together."""
        return Tally(
            self.requests + other.requests,
            self.rows + other.rows,
            self.row_squares + other.row_squares,
            _merged(self.total, other.total),
            _merged(self.squares, other.squares),
            _merged(self.products, other.products),
        )

    @property
    def mean(self) -> float:
        """Return the mean loss of a row; NaN without rows."""
        return math.fsum(self.total) / self.rows if self.rows else math.nan

    def variance(self, *, is_rate: bool) -> float:
        """Return the variance of the mean; infinite for fewer than two requests.

        Infinite too where sums that were kept before losses had a limit (performance.py) are too large for it.

        That of a rate is not below what independent rows would have, after one more row of either kind: a rate of 0 in
        a few rows is not known to be 0.
        """
        if self.requests < 2:
            return math.inf
        try:
            squares = self._squares_around(self.mean)
        except (OverflowError, ValueError):
            return math.inf
        found = max(squares, 0.0) / self.rows**2 * self.requests / (self.requests - 1)
        if not is_rate:
            return found
        smoothed = (math.fsum(self.total) + 1) / (self.rows + 2)
        return max(found, smoothed * (1 - smoothed) / self.rows)

    def _squares_around(self, mean: float) -> float:
        return math.fsum((*self.squares, *(-2 * mean * part for part in self.products), mean**2 * self.row_squares))

    def _add(self, request: RequestLoss, weight: int) -> Tally:
        if not request.rows:
            return self
        total = math.fsum(request.total)
        return Tally(
            self.requests + weight,
            self.rows + weight * request.rows,
            self.row_squares + weight * request.rows**2,
            plus(self.total, weight * total),
            plus(self.squares, weight * (total * total)),
            plus(self.products, weight * (total * request.rows)),
        )


def _merged(one: ExactSum, other: ExactSum) -> ExactSum:
    for part in other:
        one = plus(one, part)
    return one
