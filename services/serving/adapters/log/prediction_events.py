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
from ...domain.prediction_log import Origin, PredictionBatch
from ...domain.requests.columns import Array
from ...domain.requests.datetimes import to_iso_text
from ..models.manifest import TASK_TYPES_TO_PROTO
from .packed_columns import packed_numbers, packed_texts

PREDICTION_COLUMN = "prediction"
NANOSECONDS = 1_000_000_000
LENGTH_DELIMITED = 2
NUMBERS_FIELD = table_pb2.NumberColumn.VALUES_FIELD_NUMBER
SINGLES_FIELD = events_pb2.PackedColumn.NUMBERS_FIELD_NUMBER
PROBABILITIES_FIELD = events_pb2.PredictionBatch.PROBABILITIES_FIELD_NUMBER
EVENT_BYTES = 768 * 1024
"""A larger event is split: brokers refuse what is above 1 MB."""


def to_drafts(segment: uuid.UUID, batch: PredictionBatch) -> Iterator[Draft]:
    """Return a batch as events to publish; the same rows of the same segment (its identity) have the same event id."""
    for part, event in to_events(batch):
        first = part.requests[0]
        yield to_draft(segment, event, first.place, first.first_row, part.rows)


def to_draft(
    segment: uuid.UUID, event: events_pb2.PredictionBatch, place: int | str, first_row: int, rows: int
) -> Draft:
    """Return an event to publish, whose first row is first_row of the request at a place of a segment."""
    # Which rows these are is part of the id: a later version of this service may cut a segment into other batches.
    return Draft(event.deployment, event, str(uuid.uuid5(segment, f"{place}/{first_row}/{rows}")))


def to_events(batch: PredictionBatch) -> Iterator[tuple[PredictionBatch, events_pb2.PredictionBatch]]:
    """Return a batch as events that brokers take, each with the part of the batch that it is."""
    event = to_event(batch)
    size = event.ByteSize()
    # What each part has again does not shrink: where that is most of it, the event log takes it whole or never.
    if size > EVENT_BYTES and batch.rows > 1 and _repeated_bytes(batch) <= size // 2:
        for half in batch.halves():
            yield from to_events(half)
        return
    yield batch, event


def _repeated_bytes(batch: PredictionBatch) -> int:
    """Return how much of an event each of its halves has too."""
    only = batch.requests[0].request_id if len(batch.requests) == 1 else ""
    return len(_constant(batch.origin)) + len(only)


def to_event(batch: PredictionBatch) -> events_pb2.PredictionBatch:
    """Return a batch as it is published; datetimes are ISO 8601 text, as everywhere on the wire."""
    event = events_pb2.PredictionBatch.FromString(_constant(batch.origin))
    add = event.requests.add
    for request in batch.requests:
        entry = add(request_id=request.request_id, row_count=request.rows, first_row=request.first_row)
        entry.time.seconds, entry.time.nanos = divmod(request.time_ns, NANOSECONDS)
    for column, values in zip(batch.origin.schema.inputs, batch.columns, strict=True):
        if column.kind is Kind.TEXT:
            _add_texts(event, column.name, values)
        elif column.kind is Kind.DATETIME:
            _add_texts(event, column.name, list(map(to_iso_text, np.asarray(values).tolist())))
        else:
            _add_numbers(event, column.name, np.asarray(values))
    if batch.origin.schema.task is TaskType.REGRESSION:
        event.prediction.name = PREDICTION_COLUMN
        event.prediction.numbers.MergeFromString(_packed(NUMBERS_FIELD, batch.outputs))
        return event
    event.MergeFromString(_packed(PROBABILITIES_FIELD, batch.outputs))
    if (labels := packed_texts(PREDICTION_COLUMN, batch.labels)) is not None:
        event.packed_prediction.CopyFrom(labels)
    else:
        event.prediction.name = PREDICTION_COLUMN
        event.prediction.texts.values.extend(batch.labels)
    return event


def _add_texts(event: events_pb2.PredictionBatch, name: str, values: Sequence[str]) -> None:
    if (packed := packed_texts(name, values)) is not None:
        event.packed_inputs.append(packed)
    else:
        event.inputs.add(name=name).texts.values.extend(values)


def _add_numbers(event: events_pb2.PredictionBatch, name: str, values: Array) -> None:
    if (singles := packed_numbers(values)) is not None:
        event.packed_inputs.add(name=name).MergeFromString(_field(SINGLES_FIELD, singles))
    else:
        event.inputs.add(name=name).numbers.MergeFromString(_packed(NUMBERS_FIELD, values))


def _packed(field: int, values: Array | Sequence[float]) -> bytes:
    """Return numbers as a packed field of doubles, which is their bytes: quicker than a number at a time.

    protobuf.dev/programming-guides/encoding, "Packed Repeated Fields".
    """
    return _field(field, np.ascontiguousarray(values, dtype="<f8").tobytes())


def _field(field: int, data: bytes) -> bytes:
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
        shadow=origin.shadow,
        sampling_rate=origin.sampling_rate,
    )
    return event.SerializeToString()
