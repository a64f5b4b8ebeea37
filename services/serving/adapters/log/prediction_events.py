"""Batches of answered requests as the events that are published."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft

from ...domain.models.schema import Kind, TaskType
from ...domain.prediction_log import Batch, Origin
from ...domain.requests.columns import Array
from ...domain.requests.datetimes import to_iso_text
from ..models.manifest import TASK_TYPES_TO_PROTO

PREDICTION_COLUMN = "prediction"
NANOSECONDS = 1_000_000_000
LENGTH_DELIMITED = 2
NUMBERS_FIELD = table_pb2.NumberColumn.VALUES_FIELD_NUMBER
PROBABILITIES_FIELD = events_pb2.PredictionBatch.PROBABILITIES_FIELD_NUMBER
EVENT_BYTES = 768 * 1024
"""A larger event is split: brokers refuse what is above 1 MB."""


def to_drafts(segment: uuid.UUID, batch: Batch) -> Iterator[Draft]:
    """Return a batch as events to publish; the same rows of the same segment (its identity) have the same event id."""
    event = to_event(batch)
    if event.ByteSize() > EVENT_BYTES and batch.rows > 1:
        for half in batch.halves():
            yield from to_drafts(segment, half)
        return
    first = batch.requests[0]
    # Which rows these are is part of the id: a later version of this service may cut a segment into other batches.
    name = f"{first.place}/{first.first_row}/{batch.rows}"
    yield Draft(batch.origin.deployment, event, str(uuid.uuid5(segment, name)))


def to_event(batch: Batch) -> events_pb2.PredictionBatch:
    """Return a batch as it is published; datetimes are ISO 8601 text, as everywhere on the wire."""
    event = events_pb2.PredictionBatch.FromString(_constant(batch.origin))
    add = event.requests.add
    for request in batch.requests:
        entry = add(request_id=request.request_id, row_count=request.rows, first_row=request.first_row)
        entry.time.seconds, entry.time.nanos = divmod(request.time_ns, NANOSECONDS)
    for input, column, values in zip(event.inputs, batch.origin.schema.inputs, batch.columns, strict=True):
        if column.kind is Kind.TEXT:
            input.texts.values.extend(values)
        elif column.kind is Kind.DATETIME:
            input.texts.values.extend(map(to_iso_text, np.asarray(values).tolist()))
        else:
            input.numbers.MergeFromString(_packed(NUMBERS_FIELD, values))
    if batch.origin.schema.task is TaskType.REGRESSION:
        event.prediction.numbers.MergeFromString(_packed(NUMBERS_FIELD, batch.outputs))
    else:
        event.MergeFromString(_packed(PROBABILITIES_FIELD, batch.outputs))
        event.prediction.texts.values.extend(batch.labels)
    return event


def _packed(field: int, values: Array | Sequence[float]) -> bytes:
    """Return numbers as a packed field of doubles, which is their bytes: quicker than a number at a time.

    protobuf.dev/programming-guides/encoding, "Packed Repeated Fields".
    """
    data = np.ascontiguousarray(values, dtype="<f8").tobytes()
    return bytes((field << 3 | LENGTH_DELIMITED,)) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    told = bytearray()
    while number > 0x7F:
        told.append(number & 0x7F | 0x80)
        number >>= 7
    told.append(number)
    return bytes(told)


@lru_cache(maxsize=1024)
def _constant(origin: Origin) -> bytes:
    """Return what all events of an origin have in common, as a message without rows."""
    event = events_pb2.PredictionBatch(
        deployment=origin.deployment,
        model_version=origin.model_version,
        classes=origin.schema.classes,
        task_type=TASK_TYPES_TO_PROTO[origin.schema.task],
        prediction=table_pb2.Column(name=PREDICTION_COLUMN),
        shadow=origin.shadow,
        sampling_rate=origin.sampling_rate,
    )
    for column in origin.schema.inputs:
        event.inputs.add(name=column.name)
    return event.SerializeToString()
