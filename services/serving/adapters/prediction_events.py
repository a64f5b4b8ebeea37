"""Batches of answered requests as the events that are published."""

from __future__ import annotations

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2

from ..convert import TASK_TYPES_TO_PROTO
from ..domain.datetimes import to_iso_text
from ..domain.prediction_log import Batch
from ..domain.schema import Kind, TaskType

PREDICTION_COLUMN = "prediction"


def to_event(batch: Batch) -> events_pb2.PredictionBatch:
    """Return a batch as it is published; datetimes are ISO 8601 text, as everywhere on the wire."""
    event = events_pb2.PredictionBatch(
        deployment=batch.deployment,
        model_version=batch.model_version,
        classes=batch.schema.classes,
        task_type=TASK_TYPES_TO_PROTO[batch.schema.task],
        probabilities=batch.probabilities(),
        prediction=table_pb2.Column(name=PREDICTION_COLUMN),
    )
    for request in batch.requests:
        entry = event.requests.add(request_id=request.request_id, row_count=request.prediction.rows)
        entry.time.FromNanoseconds(request.time_ns)
    for index, column in enumerate(batch.schema.inputs):
        values = batch.column(index).tolist()
        if column.kind is Kind.TEXT:
            event.inputs.add(name=column.name).texts.values.extend(values)
        elif column.kind is Kind.DATETIME:
            event.inputs.add(name=column.name).texts.values.extend(map(to_iso_text, values))
        else:
            event.inputs.add(name=column.name).numbers.values.extend(values)
    if batch.schema.task is TaskType.REGRESSION:
        event.prediction.numbers.values.extend(batch.values())
    else:
        event.prediction.texts.values.extend(batch.labels())
    return event
