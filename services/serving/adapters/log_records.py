"""Answered requests as journal records: a head that is the same for all requests of one deployment and version, and
the request itself. Records are written and read by this service only; numbers are the bytes of float64 arrays."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..domain.columns import Array, Columns
from ..domain.model import Model
from ..domain.prediction import Prediction
from ..domain.prediction_log import Batch, LoggedRequest
from ..domain.schema import Schema

_HEAD_LENGTH = struct.Struct("<I")


def encode_head(deployment: str, model: Model) -> bytes:
    """Return the head of a deployment's records while it serves this model."""
    head = pickle.dumps((deployment, model.version, model.schema), 5)
    return _HEAD_LENGTH.pack(len(head)) + head


def encode(head: bytes, request_id: str, time_ns: int, columns: Columns, prediction: Prediction) -> bytes:
    """Return the record of one answered request."""
    values = [column.tolist() if column.dtype.kind == "O" else column.tobytes() for column in columns]
    output = prediction.values if prediction.values is not None else prediction.probabilities
    numbers = b"" if output is None else output.tobytes()
    return head + pickle.dumps((request_id, time_ns, prediction.rows, values, prediction.labels, numbers), 5)


def batches(records: Iterable[bytes], max_rows: int) -> Iterator[Batch]:
    """Return the requests of records in batches of one deployment and version.

    Requests of one deployment keep their order. A batch ends once it has max_rows rows; a larger request is alone.
    """
    gathered: dict[bytes, list[LoggedRequest]] = {}
    counts: dict[bytes, int] = {}
    for record in records:
        end = _HEAD_LENGTH.size + _HEAD_LENGTH.unpack_from(record)[0]
        head = record[_HEAD_LENGTH.size : end]
        request = _request(pickle.loads(memoryview(record)[end:]))
        if gathered.get(head) and counts[head] + request.prediction.rows > max_rows:
            yield _batch(head, gathered.pop(head))
            counts[head] = 0
        gathered.setdefault(head, []).append(request)
        counts[head] = counts.get(head, 0) + request.prediction.rows
    for head, requests in gathered.items():
        yield _batch(head, requests)


def _batch(head: bytes, requests: list[LoggedRequest]) -> Batch:
    deployment, version, schema = pickle.loads(head)
    return Batch(deployment, version, _checked(schema), tuple(requests))


def _checked(schema: object) -> Schema:
    if not isinstance(schema, Schema):
        raise TypeError(f"the journal holds a {type(schema).__name__} where a schema belongs")
    return schema


def _request(body: tuple[str, int, int, list[Any], list[str] | None, bytes]) -> LoggedRequest:
    request_id, time_ns, rows, values, labels, numbers = body
    columns = tuple(_column(value) for value in values)
    output = np.frombuffer(numbers, dtype=np.float64)
    if labels is None:
        return LoggedRequest(request_id, time_ns, columns, Prediction(rows, values=output))
    return LoggedRequest(
        request_id, time_ns, columns, Prediction(rows, labels=labels, probabilities=output.reshape(rows, -1))
    )


def _column(value: list[str] | bytes) -> Array:
    if isinstance(value, bytes):
        return np.frombuffer(value, dtype=np.float64)
    return np.array(value, dtype=object)
