"""Protobuf to domain and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.common.v1 import table_pb2
from fairlead.api.serving.v1 import deployment_pb2, prediction_service_pb2
from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument

from .domain.catalog import Status
from .domain.columns import Array
from .domain.deployment import Deployment, State
from .domain.inference import Answer
from .domain.schema import InputColumn, Kind, Schema, TaskType

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
STATES = {
    State.LOADING: deployment_pb2.DEPLOYMENT_STATE_LOADING,
    State.READY: deployment_pb2.DEPLOYMENT_STATE_READY,
    State.FAILED: deployment_pb2.DEPLOYMENT_STATE_FAILED,
}


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


def arrays_of(columns: Iterable[table_pb2.Column]) -> dict[str, Array]:
    """Return the values of columns by name. Raises InvalidArgument for one sent twice or without values."""
    arrays: dict[str, Array] = {}
    for column in columns:
        if column.name in arrays:
            raise _bad_column(column.name, "was sent twice; send each column once")
        which = column.WhichOneof("values")
        if which == "numbers":
            arrays[column.name] = np.array(column.numbers.values[:], dtype=np.float64)
        elif which == "texts":
            arrays[column.name] = np.array(column.texts.values[:], dtype=object)
        else:
            raise _bad_column(column.name, "has no values; set numbers or texts")
    return arrays


def _bad_column(name: str, problem: str) -> InvalidArgument:
    return InvalidArgument(
        f"column '{name}' {problem}", violations=[FieldViolation(f"columns[{name}]", f"the column {problem}")]
    )


def to_predict_response(answer: Answer) -> prediction_service_pb2.PredictResponse:
    """Return an answer as PredictionService sends it."""
    prediction = answer.prediction
    response = prediction_service_pb2.PredictResponse(
        request_id=answer.request_id, model_version=answer.model.version, classes=answer.model.schema.classes
    )
    if prediction.values is not None:
        response.values.extend(prediction.values.tolist())
    else:
        response.labels.extend(prediction.labels or ())
        if prediction.probabilities is not None:
            response.probabilities.extend(prediction.probabilities.ravel().tolist())
    return response


def to_timestamp(instant: datetime) -> Timestamp:
    """Return an instant as protobuf sends it."""
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def to_deployment(deployment: Deployment, status: Status) -> deployment_pb2.Deployment:
    """Return a deployment as it is sent and published."""
    return deployment_pb2.Deployment(
        name=deployment.name,
        model_version=deployment.model_version,
        state=STATES[status.state],
        error=status.error,
        inference_name=deployment.inference_name,
        create_time=to_timestamp(deployment.create_time),
        update_time=to_timestamp(deployment.update_time),
        etag=deployment.etag,
        reference_blob=deployment.reference_blob,
    )
