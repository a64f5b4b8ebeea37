"""How wrong one prediction was, in the metrics that versions are compared by; less is better in all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..performance import LARGEST_SQUARE, Answer, Task, match_class


@dataclass(frozen=True)
class Metric:
    """The mean of a loss over rows; a rate's losses are 0 or 1."""

    name: str
    words: str
    is_rate: bool = False


ERROR_RATE = Metric("error_rate", "error rate", is_rate=True)
BRIER_SCORE = Metric("brier_score", "Brier score")
MEAN_ABSOLUTE_ERROR = Metric("mean_absolute_error", "mean absolute error")
MEAN_SQUARED_ERROR = Metric("mean_squared_error", "mean squared error")

# Those of each task; the first one decides.
METRICS: dict[Task, tuple[Metric, ...]] = {
    Task.BINARY: (ERROR_RATE, BRIER_SCORE),
    Task.MULTICLASS: (ERROR_RATE,),
    Task.REGRESSION: (MEAN_ABSOLUTE_ERROR, MEAN_SQUARED_ERROR),
}


def losses(task: Task, classes: Sequence[str], answer: Answer, truth: str) -> tuple[float, ...]:
    """Return a row's loss in each of the task's metrics, NaN in one that does not apply to it.

    A truth that is none of the classes was not predicted: an error, without a Brier score.
    Raises ValueError for a truth, or a prediction, of a number that is none or too large.
    """
    if task is Task.REGRESSION:
        error = abs(answer.value - float(truth))
        if not error * error <= LARGEST_SQUARE:
            raise ValueError(f"the truth {truth!r} or the prediction {answer.value} is not a number, or too large")
        return error, error * error
    known = match_class(truth, classes)
    wrong = float(answer.label != known)
    if task is Task.MULTICLASS:
        return (wrong,)
    scored = math.isfinite(answer.value) and known in classes
    return wrong, (answer.value - (known == classes[-1])) ** 2 if scored else math.nan
