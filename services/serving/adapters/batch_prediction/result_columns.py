"""What a prediction adds to the rows: its columns, their names and types."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from ...domain.models.schema import Schema, TaskType
from ...domain.requests.columns import Array

PREDICTION = "prediction"
PROBABILITY_PREFIX = "probability_"


def added_fields(schema: Schema, taken: Collection[str]) -> list[pa.Field]:
    """Return the columns that are added to rows which have the taken ones: the label or value, and probabilities."""
    used = set(taken)
    label = pa.float64() if schema.task is TaskType.REGRESSION else pa.string()
    added = [pa.field(_free(PREDICTION, used), label)]
    return added + [pa.field(_free(PROBABILITY_PREFIX + name, used), pa.float64()) for name in schema.classes]


def added_columns(schema: Schema, output: Array) -> list[pa.Array]:
    """Return the values of those columns, given values [n] or probabilities [n, classes]."""
    if schema.task is TaskType.REGRESSION:
        return [pa.array(output)]
    best = output.argmax(axis=1)
    labels = pa.array(schema.classes, pa.string()).take(pa.array(best))
    return [labels, *(pa.array(np.ascontiguousarray(column)) for column in output.T)]


def _free(name: str, taken: set[str]) -> str:
    """Return the name, or with a number appended where the rows have such a column already."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free
