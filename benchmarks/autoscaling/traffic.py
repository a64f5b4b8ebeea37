"""Requests over time: how many a second, and for which models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .assumptions import Assumptions


@dataclass(frozen=True)
class Spike:
    """A steady rate, many times as much after a few seconds for a while, and the steady rate again."""

    rate: float
    times: float
    before: float
    ramp: float
    held: float
    after: float
    warm_up: float = 330.0
    """Seconds before that are not counted: caches fill, and autoscalers look back that long."""

    @property
    def begins(self) -> float:
        """Return when the rate begins to rise."""
        return self.warm_up + self.before

    @property
    def ends(self) -> float:
        """Return when the rate is steady again."""
        return self.begins + self.ramp + self.held

    @property
    def end(self) -> float:
        """Return when nothing more is sent."""
        return self.ends + self.after

    def rates(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return requests a second at these times."""
        bounds = [0, self.begins, self.begins + self.ramp, self.ends, np.nextafter(self.ends, np.inf), self.end]
        high = self.rate * self.times
        return np.interp(times, bounds, [self.rate, self.rate, high, high, self.rate, self.rate])


@dataclass(frozen=True)
class Requests:
    """When each comes, which model it is for (0 is the most asked one), and the seconds of a core it takes."""

    times: NDArray[np.float64]
    models: NDArray[np.int64]
    seconds: NDArray[np.float64]


def requests(spike: Spike, assumptions: Assumptions, random: np.random.Generator) -> Requests:
    """Return a Poisson process of the rates, thinned from the highest one, in order."""
    highest = spike.rate * max(1.0, spike.times)
    candidates = np.sort(random.uniform(0, spike.end, random.poisson(highest * spike.end)))
    times = candidates[random.uniform(0, highest, candidates.size) < spike.rates(candidates)]
    weights = 1 / np.arange(1, assumptions.models + 1) ** assumptions.zipf_exponent
    models = random.choice(assumptions.models, times.size, p=weights / weights.sum())
    spread = np.log1p(assumptions.compute_variation**2)
    seconds = random.lognormal(np.log(assumptions.compute_seconds) - spread / 2, np.sqrt(spread), times.size)
    return Requests(times, models, seconds)
