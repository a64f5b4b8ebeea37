"""How right the predictions were, as far as the truth came back; kept as sums, so that no row is kept for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from .reference import Floats


class Task(Enum):
    """The kinds of prediction problem."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


LARGEST_SQUARE = 1e100
"""A larger one is no measurement, and the sums of many such, and their squares, would be no numbers."""


@dataclass(frozen=True)
class Answer:
    """What was predicted for one row: a label and, for binary, the last class's score; or a value."""

    label: str = ""
    value: float = math.nan


@dataclass(frozen=True, eq=False)
class Performance:
    """Sums over rows whose truth is known.

    Classification: a matrix of counts, truth by prediction, one more row for truths that are no class; then the
    squared errors of the score and their number. Regression: rows, |e|, e^2, truth, truth^2.
    """

    task: Task
    classes: tuple[str, ...]
    sums: Floats

    def metrics(self) -> dict[str, float]:
        """Return the metrics by name, in the terms of scikit-learn; empty without a truth."""
        if self.task is Task.REGRESSION:
            return _regression_metrics(self.sums)
        return _classification_metrics(self)

    def matrix(self) -> Floats:
        """Return the confusion matrix [classes + 1, classes]."""
        size = len(self.classes)
        return self.sums[: (size + 1) * size].reshape(size + 1, size)


def new_performance(task: Task, classes: Sequence[str]) -> Performance:
    """Return the performance before the first truth."""
    size = 5 if task is Task.REGRESSION else (len(classes) + 1) * len(classes) + 2
    return Performance(task, tuple(classes), np.zeros(size))


def joined(performance: Performance, answer: Answer, truth: str, weight: int = 1) -> Performance:
    """Return the performance with one more truth, or with one less for weight -1 (a truth that is replaced).

    Raises ValueError for a truth that is not a number, or too large a one, where a number was predicted, and for an
    unknown answer.
    """
    add = (
        _regression_sums(answer, truth)
        if performance.task is Task.REGRESSION
        else _class_sums(performance, answer, truth)
    )
    return replace(performance, sums=performance.sums + weight * add)


def match_class(text: str, classes: Sequence[str]) -> str:
    """Return the class that a truth means: itself, or the class that is the same number ("1.0" for "1")."""
    if text in classes:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return next((name for name in classes if _is_number(name, number)), text)


def _is_number(text: str, number: float) -> bool:
    try:
        return float(text) == number
    except ValueError:
        return False


def _class_sums(performance: Performance, answer: Answer, truth: str) -> Floats:
    classes = performance.classes
    if answer.label not in classes:
        raise ValueError(f"the prediction {answer.label!r} is none of the classes {', '.join(classes)}")
    known = match_class(truth, classes)
    row = classes.index(known) if known in classes else len(classes)
    sums = np.zeros(len(performance.sums))
    sums[row * len(classes) + classes.index(answer.label)] = 1
    if performance.task is Task.BINARY and math.isfinite(answer.value) and row < len(classes):
        sums[-2:] = (answer.value - (row == len(classes) - 1)) ** 2, 1
    return sums


def _regression_sums(answer: Answer, truth: str) -> Floats:
    value = float(truth)
    error = answer.value - value
    # Not below it is NaN either.
    if not (error * error <= LARGEST_SQUARE and value * value <= LARGEST_SQUARE):
        raise ValueError(f"the truth {truth!r} or the prediction {answer.value} is not a number, or too large")
    return np.array([1, abs(error), error * error, value, value * value])


def _regression_metrics(sums: Floats) -> dict[str, float]:
    n, absolute, squared, total, squares = (float(value) for value in sums)
    if n < 1:
        return {}
    found = {"rmse": math.sqrt(max(squared / n, 0.0)), "mae": absolute / n}
    spread = squares - total * total / n
    if n >= 2 and spread > 0:
        found["r2"] = 1 - squared / spread
    return found


def _classification_metrics(performance: Performance) -> dict[str, float]:
    matrix = performance.matrix()
    total = matrix.sum()
    if not total:
        return {}
    right = np.diag(matrix)
    truths, guesses = matrix.sum(axis=1)[:-1], matrix.sum(axis=0)
    seen = truths > 0
    found = {"accuracy": float(right.sum() / total)}
    if seen.any():
        found["balanced_accuracy"] = float((right[seen] / truths[seen]).mean())
    f1 = 2 * right / np.maximum(truths + guesses, 1)
    if performance.task is Task.BINARY:
        found["precision"] = float(right[-1] / guesses[-1]) if guesses[-1] else 0.0
        found["recall"] = float(right[-1] / truths[-1]) if truths[-1] else 0.0
        found["f1"] = float(f1[-1])
        if performance.sums[-1]:
            found["brier_score"] = float(performance.sums[-2] / performance.sums[-1])
    else:
        found["f1_macro"] = float(f1[truths + guesses > 0].mean())
    return found
