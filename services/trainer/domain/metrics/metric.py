"""What every metric has: a name, a direction and a function of truth and prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"
CLASSIFICATION = frozenset({BINARY, MULTICLASS})

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """One metric.

    `compute(truth, prediction)` takes class indices [n] and probabilities [n, classes] for classification, or values
    [n] twice for regression, and returns one number.
    """

    name: str
    task_types: frozenset[str]
    greater_is_better: bool
    compute: Callable[[Array, Array], float]

    def utility(self, truth: Array, prediction: Array) -> float:
        """The metric turned so that more is better."""
        value = self.compute(truth, prediction)
        return value if self.greater_is_better else -value

    def is_better(self, score: float, other: float) -> bool:
        """Whether `score` beats `other` in this metric's direction."""
        return score > other if self.greater_is_better else score < other
