"""What every model family offers: starting configurations, a search space, a cost and a fit that heeds the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..metrics import REGRESSION

Array = NDArray[np.float64]
Value = bool | int | float | str
Params = Mapping[str, Value]


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`, both possible; `log` searches its magnitude."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`; `log` searches its magnitude."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]


Dimension = Integer | Real | Choice
Space = Mapping[str, Dimension]


@dataclass(frozen=True)
class Problem:
    """What a family must know of the job: task type, rows to fit, prepared columns and classes (0 for regression)."""

    task_type: str
    rows: int
    columns: int
    classes: int = 0

    @property
    def is_regression(self) -> bool:
        """Whether values rather than classes are predicted."""
        return self.task_type == REGRESSION


@dataclass(frozen=True)
class FitRequest:
    """One fit: features [n, k], target [n] (class indices without a gap, or values) and how long it may take.

    `validation`, when given, lets boosting stop early. `remaining()` is the seconds left; a family that can stop in
    the middle does so when it is used up and returns what it has.
    """

    problem: Problem
    features: Array
    target: NDArray[np.float64] | NDArray[np.int64]
    params: Params
    seed: int = 0
    threads: int = 2
    validation: tuple[Array, NDArray[np.float64] | NDArray[np.int64]] | None = None
    remaining: Callable[[], float] = field(default=lambda: float("inf"))


@dataclass(frozen=True)
class Fit:
    """A fitted estimator, the params to fit it again with on more rows, and whether time cut it short."""

    estimator: Any
    params: Params
    truncated: bool = False


class Family(Protocol):
    """A kind of model. An `interruptible` one stops in the middle of a fit when time is up; others get fewer rows."""

    @property
    def name(self) -> str:
        """The family's name, as in RunSpec.families."""

    @property
    def interruptible(self) -> bool:
        """Whether a fit heeds `remaining` while it runs."""

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """Configurations worth trying first, best first; empty where the family does not fit the task."""

    def space(self, problem: Problem) -> Space:
        """Where to search beyond the portfolio."""

    def cost(self, problem: Problem, params: Params) -> float:
        """A first guess of the seconds one fit takes on one modern core pair; corrected by measurement later."""

    def fit(self, request: FitRequest) -> Fit:
        """A fitted estimator; it predicts by `predict_proba` for classes and by `predict` for values."""
