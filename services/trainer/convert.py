"""Between protobuf and the domain: task types, kinds of columns and the spec of a run. Light to import."""

from __future__ import annotations

from typing import Literal, cast

from fairlead.api.common.v1 import table_pb2
from fairlead.api.common.v1.table_pb2 import ColumnKind, TaskType
from fairlead.api.trainer.v1.run_pb2 import RunSpec
from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import parse_name

DATASET_VERSION_NAME = "projects/{project}/datasets/{dataset}/versions/{version}"
DEFAULT_BUDGET_SECONDS = 60.0
DEFAULT_HOLDOUT = 0.2

TaskTypeName = Literal["binary", "multiclass", "regression"]
_TASK_TYPES: dict[str, TaskType.ValueType] = {
    "binary": table_pb2.TASK_TYPE_BINARY,
    "multiclass": table_pb2.TASK_TYPE_MULTICLASS,
    "regression": table_pb2.TASK_TYPE_REGRESSION,
}
_KINDS: dict[str, ColumnKind.ValueType] = {
    "number": table_pb2.COLUMN_KIND_NUMBER,
    "text": table_pb2.COLUMN_KIND_TEXT,
    "datetime": table_pb2.COLUMN_KIND_DATETIME,
    "boolean": table_pb2.COLUMN_KIND_BOOLEAN,
}


def task_type_message(name: str) -> TaskType.ValueType:
    """The enum value of "binary", "multiclass" or "regression"."""
    return _TASK_TYPES[name]


def task_type_name(value: TaskType.ValueType) -> TaskTypeName:
    """The domain's name of a task type; raises KeyError for an unspecified one."""
    return cast(TaskTypeName, {number: name for name, number in _TASK_TYPES.items()}[value])


def column_kind_message(kind: str) -> ColumnKind.ValueType:
    """The enum value of an input's kind."""
    return _KINDS[kind]


def column_kind_name(value: ColumnKind.ValueType) -> str:
    """The domain's name of an input's kind."""
    return {number: name for name, number in _KINDS.items()}[value]


def resolve_spec(spec: RunSpec) -> RunSpec:
    """The spec with its defaults filled in. Raises InvalidArgument for figures out of range."""
    resolved = RunSpec()
    resolved.CopyFrom(spec)
    if not spec.HasField("budget"):
        resolved.budget.FromMilliseconds(int(DEFAULT_BUDGET_SECONDS * 1000))
    resolved.holdout = spec.holdout or DEFAULT_HOLDOUT
    _require("spec.budget", 1.0 <= budget_seconds(resolved) <= 7 * 86400.0, "must be from 1 s to 7 days")
    _require("spec.holdout", 0.01 <= resolved.holdout <= 0.9, "must be from 0.01 to 0.9, or 0 for 0.2")
    _require("spec.folds", spec.folds == 0 or 2 <= spec.folds <= 50, "must be from 2 to 50, or 0 to be chosen")
    _require("spec.seed", 0 <= spec.seed < 2**31, "must be from 0 to 2147483647")
    return resolved


def budget_seconds(spec: RunSpec) -> float:
    """The budget of a spec in seconds."""
    return spec.budget.ToMilliseconds() / 1000.0


def dataset_id(dataset_version: str) -> str:
    """The id of a version's dataset."""
    return parse_name(DATASET_VERSION_NAME, dataset_version)["dataset"]


def _require(field: str, holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidArgument(f"{field} {rule}", violations=[FieldViolation(field, rule)])
