"""Predicted labels, probabilities and values as one object a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def classified(labels: Sequence[str], classes: Sequence[str], probabilities: Sequence[float]) -> list[dict[str, Any]]:
    """Return {"label", "probabilities": {class: p}} a row; probabilities are row-major [row][class]."""
    width = len(classes)
    return [
        {
            "label": label,
            "probabilities": dict(zip(classes, probabilities[row * width : (row + 1) * width], strict=False)),
        }
        for row, label in enumerate(labels)
    ]


def estimated(values: Sequence[float]) -> list[dict[str, Any]]:
    """Return {"value"} a row."""
    return [{"value": value} for value in values]
