"""Between protobuf and preparation steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from google.protobuf.json_format import MessageToDict

from fairlead.api.common.v1.preparation_pb2 import PreparationStep
from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.trainer.v1.preparation_pb2 import StepReport as StepReportMessage

from .domain.preparation import StepReport, StepSpec
from .domain.table import Columns, InputColumn, TrainingTable

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_NUMBER_PREFIXES = (*_NUMBERS, "UHUGEINT", "FLOAT", "REAL", "DOUBLE", "DECIMAL", "TIME", "INTERVAL")


def step_specs(steps: Iterable[PreparationStep]) -> tuple[StepSpec, ...]:
    """The planned steps; params become plain values."""
    return tuple(StepSpec(step.id, step.kind, tuple(step.columns), MessageToDict(step.params)) for step in steps)


def step_reports(reports: Iterable[StepReport]) -> list[StepReportMessage]:
    """What the steps did."""
    return [StepReportMessage(step_id=r.step_id, message=r.message, rows_affected=r.rows_affected) for r in reports]


def table_without_rows(version: DatasetVersion, target_column: str) -> TrainingTable:
    """The columns of a version as a table of no rows, to check steps against before any data is read."""
    inputs = tuple(
        InputColumn(field.name, _kind_of(field.type)) for field in version.fields if field.name != target_column
    )
    nothing = np.zeros(0)
    columns: Columns = {column.name: nothing for column in inputs}
    return TrainingTable(columns, inputs, nothing, "binary", (), np.zeros(0, dtype=np.int64), target_column)


def _kind_of(duckdb_type: str) -> Literal["number", "text", "datetime", "boolean"]:
    name = duckdb_type.upper()
    if name == "BOOLEAN":
        return "boolean"
    if name.startswith(("TIMESTAMP", "DATE")):
        return "datetime"
    return "number" if name.startswith(_NUMBER_PREFIXES) else "text"
