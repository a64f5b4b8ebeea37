"""What a model package's manifest declares, as the domain's schema."""

from __future__ import annotations

from fairlead.api.common.v1 import table_pb2
from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.errors import FailedPrecondition

from ...domain.models.schema import InputColumn, Kind, Schema, TaskType

KINDS = {
    table_pb2.COLUMN_KIND_NUMBER: Kind.NUMBER,
    table_pb2.COLUMN_KIND_TEXT: Kind.TEXT,
    table_pb2.COLUMN_KIND_DATETIME: Kind.DATETIME,
    table_pb2.COLUMN_KIND_BOOLEAN: Kind.BOOLEAN,
}
TASK_TYPES = {
    table_pb2.TASK_TYPE_BINARY: TaskType.BINARY,
    table_pb2.TASK_TYPE_MULTICLASS: TaskType.MULTICLASS,
    table_pb2.TASK_TYPE_REGRESSION: TaskType.REGRESSION,
}
TASK_TYPES_TO_PROTO = {task: number for number, task in TASK_TYPES.items()}


def schema_of(manifest: model_pb2.ModelManifest) -> Schema:
    """Return the schema a manifest declares. Raises FailedPrecondition where it declares no task or an unknown kind."""
    task = TASK_TYPES.get(manifest.task_type)
    if task is None:
        raise FailedPrecondition("the model's manifest names no task type; train it again")
    inputs = []
    for column in manifest.inputs:
        kind = KINDS.get(column.kind)
        if kind is None:
            raise FailedPrecondition(f"the model's manifest gives no kind for its input '{column.name}'")
        inputs.append(InputColumn(column.name, kind, column.tensor or column.name))
    return Schema(task, tuple(manifest.classes), tuple(inputs))
