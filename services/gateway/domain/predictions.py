"""What is asked of a deployment, and what it predicts as one object a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Rows to predict, and what the caller wants beside the predictions.

    request_id: joins feedback; "" for one made up. routing_key: the same one goes to the same version; "" for by
    chance. explain: whether each column's contribution is answered. interval: a coverage such as 0.9; 0 for none.
    """

    rows: Sequence[Row]
    request_id: str = ""
    routing_key: str = ""
    explain: bool = False
    interval: float = 0.0


def classified(labels: Sequence[str], classes: Sequence[str], probabilities: Sequence[float]) -> list[Row]:
    """Return {"label", "probabilities": {class: p}} a row; probabilities are row-major [row][class]."""
    width = len(classes)
    return [
        {
            "label": label,
            "probabilities": dict(zip(classes, probabilities[row * width : (row + 1) * width], strict=False)),
        }
        for row, label in enumerate(labels)
    ]


def estimated(values: Sequence[float]) -> list[Row]:
    """Return {"value"} a row."""
    return [{"value": value} for value in values]


def contributions(columns: Sequence[str], flat: Sequence[float], classes: Sequence[str], rows: int) -> list[Row]:
    """Return {column: contribution} a row, or {class: {column: contribution}} for more than two classes.

    The contributions are row-major: [row][column], or [row][class][column].
    """
    width = len(columns)
    if len(classes) <= 2:
        return [dict(zip(columns, flat[row * width : (row + 1) * width], strict=True)) for row in range(rows)]
    parts = [
        dict(zip(columns, flat[part * width : (part + 1) * width], strict=True)) for part in range(rows * len(classes))
    ]
    return [
        dict(zip(classes, parts[row * len(classes) : (row + 1) * len(classes)], strict=True)) for row in range(rows)
    ]


def base(base_values: Sequence[float], classes: Sequence[str]) -> Any:
    """Return what is predicted before any column is known: a number, or one a class for more than two classes."""
    return dict(zip(classes, base_values, strict=True)) if len(classes) > 2 else base_values[0]


def ranges(lower: Sequence[float], upper: Sequence[float]) -> list[Row]:
    """Return {"lower", "upper"} a row."""
    return [{"lower": low, "upper": high} for low, high in zip(lower, upper, strict=True)]


def label_sets(contains: Sequence[bool], classes: Sequence[str]) -> list[Row]:
    """Return {"labels": those in the set} a row; contains is row-major [row][class]."""
    width = len(classes)
    return [
        {"labels": [label for label, inside in zip(classes, contains[start : start + width], strict=True) if inside]}
        for start in range(0, len(contains), width)
    ]
