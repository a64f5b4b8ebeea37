"""What a statistic gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..comparison import Comparison, Kind


@dataclass(frozen=True)
class Score:
    """One statistic of one column; `p_value` is set where the statistic has a test."""

    statistic: str
    value: float
    p_value: float | None = None


@dataclass(frozen=True)
class Statistic:
    """A statistic, the kinds of column it is defined for, and how it is taken."""

    name: str
    kinds: frozenset[Kind]
    score: Callable[[Comparison], Score]
