"""Logged predictions that came before: a publisher that died before it noted what it published publishes it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2

from .adapters import request_store
from .adapters.work import Work


def without_repetitions(work: Work, batch: events_pb2.PredictionBatch) -> events_pb2.PredictionBatch:
    """Return the batch without the rows that were counted already: of one request id, answered at one instant.

    A shadow's are told apart from those of others by its version.

    The same rows may be in other batches and parts than the first time: a part is what lies between rows that were
    counted.
    """
    ids = [request.request_id for request in batch.requests]
    shadow = batch.model_version if batch.shadow else ""
    seen = request_store.seen_rows(work.connection, batch.deployment, ids, shadow=shadow)
    known = [seen.get((request.request_id, request.time.ToNanoseconds()), []) for request in batch.requests]
    if not any(known):
        return batch
    smaller = events_pb2.PredictionBatch(
        deployment=batch.deployment,
        model_version=batch.model_version,
        classes=batch.classes,
        task_type=batch.task_type,
        shadow=batch.shadow,
        sampling_rate=batch.sampling_rate,
    )
    places: list[int] = []
    start = 0
    for request, counted in zip(batch.requests, known, strict=True):
        for part in _parts(request, counted):
            smaller.requests.append(part)
            first = start + part.first_row - request.first_row
            places.extend(range(first, first + part.row_count))
        start += request.row_count
    smaller.inputs.extend(_taken(column, places) for column in batch.inputs)
    smaller.packed_inputs.extend(_taken_of_packed(column, places) for column in batch.packed_inputs)
    if batch.HasField("packed_prediction"):
        smaller.packed_prediction.CopyFrom(_taken_of_packed(batch.packed_prediction, places))
    else:
        smaller.prediction.CopyFrom(_taken(batch.prediction, places))
    width = len(batch.classes)
    if batch.probabilities:
        smaller.probabilities.extend(value for row in places for value in batch.probabilities[row * width :][:width])
    return smaller


def _parts(request: events_pb2.PredictionRequest, counted: Sequence[range]) -> Iterator[events_pb2.PredictionRequest]:
    """Return the parts of a request that lie outside of counted rows; all of it where none was counted."""
    if not counted:
        yield request
        return
    part: events_pb2.PredictionRequest | None = None
    for row in range(request.first_row, request.first_row + request.row_count):
        if any(row in rows for rows in counted):
            if part is not None:
                yield part
            part = None
        elif part is None:
            part = events_pb2.PredictionRequest(
                request_id=request.request_id, row_count=1, time=request.time, first_row=row
            )
        else:
            part.row_count += 1
    if part is not None:
        yield part


def _taken(column: table_pb2.Column, rows: Sequence[int]) -> table_pb2.Column:
    taken = table_pb2.Column(name=column.name)
    if column.WhichOneof("values") == "texts":
        taken.texts.values.extend(column.texts.values[row] for row in rows)
    else:
        taken.numbers.values.extend(column.numbers.values[row] for row in rows)
    return taken


def _taken_of_packed(column: events_pb2.PackedColumn, rows: Sequence[int]) -> events_pb2.PackedColumn:
    if not column.texts:
        return events_pb2.PackedColumn(name=column.name, numbers=[column.numbers[row] for row in rows])
    places = bytes(column.places[row] for row in rows)
    return events_pb2.PackedColumn(name=column.name, texts=column.texts, places=places)
