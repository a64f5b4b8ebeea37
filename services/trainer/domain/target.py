"""Reading the target: what poses a classification, what a regression, and the labels as text."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .arrow_columns import kind_of, to_numbers, to_texts

# Whole numbers with at most this many distinct values are classes, as the profiler guesses too.
MAX_NUMERIC_CLASSES = 20
MAX_CLASSES = 200

_TYPES = ("binary", "multiclass", "regression")
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class TargetValues:
    """The target of each source row [n]: labels (object) or numbers, and where it is known."""

    values: NDArray[np.generic]
    known: NDArray[np.bool_]
    task_type: Literal["binary", "multiclass", "regression"]
    classes: tuple[str, ...]


def read_target(column: pa.ChunkedArray, name: str, condition: str, task_type: str) -> TargetValues:
    """The target's labels or values and its task type; raises InvalidArgument where nothing can be learnt from it."""
    if task_type not in ("", *_TYPES):
        raise _invalid(f"'{task_type}' is no task type; use one of {', '.join(_TYPES)}.", "task_type")
    kind = kind_of(column.type)
    if kind == "datetime" and not condition:
        raise _invalid(f"The target '{name}' is a date; predict a number or a category.")
    values = to_texts(column) if kind == "text" else to_numbers(column)
    known = values != "" if kind == "text" else ~np.isnan(values.astype(np.float64))
    if not known.any():
        raise _invalid(f"The target '{name}' has no value in any row.")
    if condition:
        holds = _compare(values, name, condition, kind)
        labels = np.where(holds, "true", "false").astype(object)
    elif _is_regression(values[known], kind, task_type):
        if kind == "text":
            raise _invalid(f"The target '{name}' holds text, so it can't be a regression; clean it or choose another.")
        return TargetValues(values, known, "regression", ())
    else:
        labels = _labels(values, kind)
    return _classification(labels, known, name, task_type)


def _is_regression(values: NDArray[np.generic], kind: str, task_type: str) -> bool:
    if task_type:
        return task_type == "regression"
    if kind != "number":
        return False
    numbers = values.astype(np.float64)
    return bool(np.any(numbers != np.floor(numbers))) or len(np.unique(numbers)) > MAX_NUMERIC_CLASSES


def _labels(values: NDArray[np.generic], kind: str) -> NDArray[np.generic]:
    if kind == "text":
        return values
    numbers = values.astype(np.float64)
    spelled = {number: _spell(float(number), kind) for number in np.unique(numbers)}
    return np.array([*(spelled.get(number, "") for number in numbers), None], dtype=object)[:-1]


def _spell(number: float, kind: str) -> str:
    if kind == "boolean":
        return "true" if number else "false"
    return str(int(number)) if number == np.floor(number) else repr(number)


def _classification(labels: NDArray[np.generic], known: NDArray[np.bool_], name: str, task_type: str) -> TargetValues:
    classes = tuple(sorted(set(labels[known].tolist()), key=_label_order))
    if len(classes) < 2:
        raise _invalid(f"The target '{name}' has the single value '{classes[0]}'; there is nothing to tell apart.")
    if len(classes) > MAX_CLASSES:
        raise _invalid(
            f"The target '{name}' has {len(classes):,} distinct values, more than the {MAX_CLASSES} classes that can be"
            " learnt; choose another column, or a condition such as '== x' that makes two classes."
        )
    if task_type == "binary" and len(classes) > 2:
        raise _invalid(f"The target '{name}' has {len(classes)} classes, not two; say multiclass or give a condition.")
    found: Literal["binary", "multiclass"] = "binary" if len(classes) == 2 else "multiclass"
    return TargetValues(labels, known, found, classes)


def _label_order(label: str) -> tuple[int, float, str]:
    """Numbers by value, then text by code point."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _compare(values: NDArray[np.generic], name: str, condition: str, kind: str) -> NDArray[np.bool_]:
    match = re.fullmatch(r"\s*(==|!=|>=|<=|=|>|<)\s*(.+?)\s*", condition)
    if match is None:
        raise _invalid(
            f"The condition '{condition}' is no comparison; write it like '> 0' or '== yes'.", "target.condition"
        )
    sign, wanted = match.group(1), match.group(2).strip("'\"")
    if kind == "text":
        if sign not in ("==", "=", "!="):
            raise _invalid(f"The target '{name}' holds text; compare it with == or !=, not {sign}.", "target.condition")
        return np.asarray(_COMPARISONS[sign](values, wanted), dtype=bool)
    number = {"true": 1.0, "false": 0.0}.get(wanted.lower()) if kind == "boolean" else None
    try:
        limit = float(wanted) if number is None else number
    except ValueError:
        message = f"The target '{name}' holds numbers, but '{wanted}' in the condition is none."
        raise _invalid(message, "target.condition") from None
    return cast(NDArray[np.bool_], _COMPARISONS[sign](values.astype(np.float64), limit))


def _invalid(message: str, field: str = "target.column") -> InvalidArgument:
    return InvalidArgument(message, violations=(FieldViolation(field, message),))
