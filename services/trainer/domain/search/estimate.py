"""How long the next fit will take, learnt from those before it."""

from __future__ import annotations

from statistics import median

from ..families import Family, Params, Problem

# What a machine is assumed to need of a family's own guess before anything was measured.
_FIRST_RATIO = 1.5
# Estimates are meant to be kept, not to be right on average.
_SAFETY = 1.25


class TimeEstimator:
    """Scales each family's cost formula by what its fits really took here."""

    def __init__(self) -> None:
        self._ratios: dict[str, list[float]] = {}

    def observe(self, family: Family, problem: Problem, params: Params, seconds: float) -> None:
        """Learn from one finished fit."""
        self._ratios.setdefault(family.name, []).append(seconds / family.cost(problem, params))

    def seconds(self, family: Family, problem: Problem, params: Params) -> float:
        """Seconds that a fit is expected to stay below."""
        return _SAFETY * self._ratio(family.name) * family.cost(problem, params)

    def _ratio(self, family: str) -> float:
        recent = self._ratios.get(family, [])[-5:]
        if recent:
            return max(recent) if len(recent) < 3 else sorted(recent)[-2]
        every = [median(ratios) for ratios in self._ratios.values()]
        return max(_FIRST_RATIO, median(every)) if every else _FIRST_RATIO
