"""Schemas and arrays that the tests share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType

INCOME = Schema(
    TaskType.BINARY,
    ("<=50K", ">50K"),
    (
        InputColumn("age", Kind.NUMBER, "age"),
        InputColumn("workclass", Kind.TEXT, "workclass"),
        InputColumn("seen", Kind.DATETIME, "seen"),
        InputColumn("married", Kind.BOOLEAN, "married"),
    ),
)
PRICE = Schema(
    TaskType.REGRESSION,
    (),
    (InputColumn("rooms", Kind.NUMBER, "rooms"), InputColumn("age", Kind.NUMBER, "age")),
)


def texts(*values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def numbers(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)
