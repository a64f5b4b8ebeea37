"""Requests of many rows in the journal: as the events that are published, which are made where they are answered.

Such a request is an event by itself in any case, and what is written once need not be read, put together and written
again. A record has the head of the others (records.py), and behind it a mark and its events, each with its length.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft

from ...domain.models.prediction import Prediction
from ...domain.prediction_log import LoggedRequest, Origin, PredictionBatch
from ...domain.requests.columns import Columns
from .prediction_events import to_draft, to_events

MADE_ROWS = 256
"""A request of as many rows is made into events at once; smaller ones are gathered."""
MARK = b"E"
"""No pickle begins so."""
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class MadeEvents:
    """The events of one request, and its place among the records read with it."""

    place: int
    rows: int
    events: tuple[events_pb2.PredictionBatch, ...]


def encode_made(
    head: bytes, origin: Origin, request_id: str, time_ns: int, columns: Columns, prediction: Prediction
) -> bytes:
    """Return the record of an answered request; head is that of the origin."""
    rows = prediction.rows
    outputs = prediction.values if prediction.values is not None else prediction.probabilities
    assert outputs is not None
    values: list[Any] = [column.tolist() if column.dtype == object else column for column in columns]
    batch = PredictionBatch(
        origin,
        (LoggedRequest(0, request_id, time_ns, rows),),
        tuple(values),
        prediction.labels or (),
        outputs.reshape(rows, -1),
    )
    parts = [head, MARK]
    for _, event in to_events(batch):
        data = event.SerializeToString()
        parts += _LENGTH.pack(len(data)), data
    return b"".join(parts)


def read_made(place: int, rows: int, data: bytes) -> MadeEvents:
    """Return what encode_made() wrote behind the mark. Raises an error of any kind for other bytes."""
    events = tuple(_events(data))
    if sum(_only_request(event).row_count for event in events) != rows:
        raise ValueError(f"the events of a record do not have its {rows} rows")
    return MadeEvents(place, rows, events)


def made_drafts(segment: uuid.UUID, made: MadeEvents) -> Iterator[Draft]:
    """Return the events to publish, with ids as those that are made of batches have."""
    for event in made.events:
        part = _only_request(event)
        yield to_draft(segment, event, made.place, part.first_row, part.row_count)


def _only_request(event: events_pb2.PredictionBatch) -> events_pb2.PredictionRequest:
    (request,) = event.requests
    return request


def _events(data: bytes) -> Iterator[events_pb2.PredictionBatch]:
    at = 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        yield events_pb2.PredictionBatch.FromString(data[at : at + length])
        at += length
