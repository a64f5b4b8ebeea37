"""A training table: input columns as arrays, and what is to be predicted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .arrow_columns import InputKind, kind_of, to_numbers, to_texts
from .target import read_target

TaskType = Literal["binary", "multiclass", "regression"]
Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class InputColumn:
    """One column that a model reads; datetimes are seconds since 1970-01-01 UTC, booleans 0 and 1."""

    name: str
    kind: InputKind


@dataclass(frozen=True)
class TrainingTable:
    """Rows whose target is known.

    `columns` holds float64 arrays (NaN missing) for numbers, booleans and datetimes, object arrays of str ("" missing)
    for text, all of n rows. `target` is an object array of labels, or float64 for regression; `classes` is empty for
    regression. `row_ids` are row numbers in the source; `dropped_rows` counts source rows without a target.
    """

    columns: Columns
    inputs: tuple[InputColumn, ...]
    target: NDArray[np.generic]
    task_type: TaskType
    classes: tuple[str, ...]
    row_ids: NDArray[np.int64]
    target_column: str = ""
    dropped_rows: int = 0

    @property
    def row_count(self) -> int:
        """Rows in the table."""
        return len(self.row_ids)

    def take(self, rows: NDArray[np.int64]) -> TrainingTable:
        """The rows with these positions, in this order."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, columns=columns, target=self.target[rows], row_ids=self.row_ids[rows])

    def reading(self, names: Collection[str]) -> TrainingTable:
        """The table with only these columns as inputs of a model."""
        return replace(self, inputs=tuple(column for column in self.inputs if column.name in names))

    def target_numbers(self) -> NDArray[np.float64]:
        """The target as float64 [n]: positions in `classes`, or the values of a regression."""
        return target_numbers(self.target, self.classes)


def target_numbers(target: NDArray[np.generic], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Labels as positions in `classes`, float64 [n]; numbers (values, or positions already) stay as they are."""
    if target.dtype.kind not in "OUS":
        return np.asarray(target, dtype=np.float64)
    position = {label: float(index) for index, label in enumerate(classes)}
    return np.fromiter((position[str(label)] for label in target), dtype=np.float64, count=len(target))


def build_table(arrow_table: pa.Table, target_column: str, condition: str, task_type: str | None) -> TrainingTable:
    """Read a training table; every column but the target is an input.

    `condition` such as "> 0" or "== yes" turns the target into the classes "false" and "true". `task_type` "" or
    None is decided by the target's values. Raises InvalidArgument for an absent or unusable target.
    """
    if target_column not in arrow_table.column_names:
        near = ", ".join(f"'{name}'" for name in arrow_table.column_names[:20])
        raise InvalidArgument(
            f"The dataset has no column '{target_column}' to predict. Its columns are {near}.",
            violations=(FieldViolation("target.column", "is not a column of the dataset"),),
        )
    target = read_target(arrow_table.column(target_column), target_column, condition, task_type or "")
    rows = np.flatnonzero(target.known)
    names = [name for name in arrow_table.column_names if name != target_column]
    inputs = tuple(InputColumn(name, kind_of(arrow_table.schema.field(name).type)) for name in names)
    if not inputs:
        raise InvalidArgument(f"The dataset has no column beside the target '{target_column}' to predict from.")
    columns: Columns = {}
    for column in inputs:
        read = to_texts if column.kind == "text" else to_numbers
        columns[column.name] = read(arrow_table.column(column.name))[rows]
    return TrainingTable(
        columns=columns,
        inputs=inputs,
        target=target.values[rows],
        task_type=target.task_type,
        classes=target.classes,
        row_ids=rows,
        target_column=target_column,
        dropped_rows=arrow_table.num_rows - len(rows),
    )
