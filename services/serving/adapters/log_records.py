"""Answered requests as journal records: a head that is the same for all requests of one deployment and version, and
the request itself. Numbers are the bytes of float64 arrays.

The head is JSON; the request is a pickle of built-in types alone, which is several times quicker than protobuf. Nothing
in a record names a class, so any later version of this service, wherever its code lies, can read it.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..domain.columns import Array, Columns
from ..domain.model import Model
from ..domain.prediction import Prediction
from ..domain.prediction_log import Batch, LoggedRequest
from ..domain.schema import InputColumn, Kind, Schema, TaskType

_HEAD_LENGTH = struct.Struct("<I")


def encode_head(deployment: str, model: Model) -> bytes:
    """Return the head of a deployment's records while it serves this model."""
    schema = model.schema
    head = json.dumps(
        {
            "deployment": deployment,
            "model_version": model.version,
            "task": schema.task.value,
            "classes": schema.classes,
            "inputs": [(column.name, column.kind.value, column.tensor) for column in schema.inputs],
        }
    ).encode()
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
    Raises an error of any kind for bytes that encode() did not write.
    """
    gathered: dict[bytes, list[LoggedRequest]] = {}
    counts: dict[bytes, int] = {}
    for record in records:
        end = _HEAD_LENGTH.size + _HEAD_LENGTH.unpack_from(record)[0]
        head = record[_HEAD_LENGTH.size : end]
        request = _request(_BuiltIns(io.BytesIO(memoryview(record)[end:])).load())
        if gathered.get(head) and counts[head] + request.prediction.rows > max_rows:
            yield _batch(head, gathered.pop(head))
            counts[head] = 0
        gathered.setdefault(head, []).append(request)
        counts[head] = counts.get(head, 0) + request.prediction.rows
    for head, requests in gathered.items():
        yield _batch(head, requests)


def _batch(head: bytes, requests: list[LoggedRequest]) -> Batch:
    known = json.loads(head)
    inputs = tuple(InputColumn(name, Kind(kind), tensor) for name, kind, tensor in known["inputs"])
    schema = Schema(TaskType(known["task"]), tuple(known["classes"]), inputs)
    return Batch(known["deployment"], known["model_version"], schema, tuple(requests))


class _BuiltIns(pickle.Unpickler):
    """Reads numbers, texts, bytes, lists and tuples, and refuses to import anything."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the journal names {module}.{name}; records hold built-in types only")


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
