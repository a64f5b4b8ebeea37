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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..domain.columns import Array, Columns
from ..domain.model import Model
from ..domain.prediction import Prediction
from ..domain.prediction_log import Batch, LoggedRequest
from ..domain.schema import InputColumn, Kind, Schema, TaskType
from .frames import Mark, Record

_HEAD_LENGTH = struct.Struct("<I")


def encode_head(deployment: str, model: Model, *, shadow: bool = False, sampling_rate: float = 0.0) -> bytes:
    """Return the head of a deployment's records that this model answers."""
    schema = model.schema
    known: dict[str, Any] = {
        "deployment": deployment,
        "model_version": model.version,
        "task": schema.task.value,
        "classes": schema.classes,
        "inputs": [(column.name, column.kind.value, column.tensor) for column in schema.inputs],
    }
    # Only where there is something to tell: earlier versions of this service wrote heads without them.
    if shadow:
        known["shadow"] = True
    if sampling_rate:
        known["sampling_rate"] = sampling_rate
    head = json.dumps(known).encode()
    return _HEAD_LENGTH.pack(len(head)) + head


def encode(head: bytes, request_id: str, time_ns: int, columns: Columns, prediction: Prediction) -> bytes:
    """Return the record of one answered request."""
    values = [column.tolist() if column.dtype.kind == "O" else column.tobytes() for column in columns]
    output = prediction.values if prediction.values is not None else prediction.probabilities
    numbers = b"" if output is None else output.tobytes()
    return head + pickle.dumps((request_id, time_ns, prediction.rows, values, prediction.labels, numbers), 5)


def describe(body: bytes) -> Mark:
    """Return whose record this is, its rows and its time. Raises an error of any kind for other bytes."""
    head, request = _decoded(0, body)
    return Mark(json.loads(head)["deployment"], request.prediction.rows, request.time_ns)


def batches(
    records: Iterable[Record], max_rows: int, max_bytes: int, damaged: Callable[[Record], None]
) -> Iterator[Batch]:
    """Return the requests of records in batches of one deployment and version.

    What encode() did not write is left out, and damaged is told of it. Requests of one deployment and version keep
    their order, over all its batches; those of versions that answer in turn do not, else each batch would hold but one.
    A batch ends before it would have more than max_rows rows or more than max_bytes of records; a larger request is
    alone.
    """
    gathered: dict[bytes, _Gathering] = {}
    for record in records:
        rows = record.mark.rows
        try:
            head, request = _decoded(record.place, record.body)
        except Exception:  # noqa: BLE001 - bytes that are no record may fail in any way; the caller is told
            damaged(record)
            continue
        size = len(record.body) - len(head)
        gathering = gathered.get(head)
        if gathering is not None and not gathering.takes(rows, size, max_rows, max_bytes):
            yield _batch(gathering)
            gathering = None
        if gathering is None:
            gathering = gathered[head] = _Gathering(head)
        gathering.requests.append(request)
        gathering.rows += rows
        gathering.size += size
    for gathering in gathered.values():
        yield _batch(gathering)


@dataclass
class _Gathering:
    head: bytes
    requests: list[LoggedRequest] = field(default_factory=list)
    rows: int = 0
    size: int = 0

    def takes(self, rows: int, size: int, max_rows: int, max_bytes: int) -> bool:
        return self.rows + rows <= max_rows and self.size + size <= max_bytes


def _batch(gathering: _Gathering) -> Batch:
    known = json.loads(gathering.head)
    inputs = tuple(InputColumn(name, Kind(kind), tensor) for name, kind, tensor in known["inputs"])
    schema = Schema(TaskType(known["task"]), tuple(known["classes"]), inputs)
    return Batch(
        known["deployment"],
        known["model_version"],
        schema,
        tuple(gathering.requests),
        shadow=known.get("shadow", False),
        sampling_rate=known.get("sampling_rate", 0.0),
    )


def _decoded(place: int, body: bytes) -> tuple[bytes, LoggedRequest]:
    end = _HEAD_LENGTH.size + _HEAD_LENGTH.unpack_from(body)[0]
    return body[_HEAD_LENGTH.size : end], _request(place, _BuiltIns(io.BytesIO(memoryview(body)[end:])).load())


class _BuiltIns(pickle.Unpickler):
    """Reads numbers, texts, bytes, lists and tuples, and refuses to import anything."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the journal names {module}.{name}; records hold built-in types only")


def _request(place: int, body: tuple[str, int, int, list[Any], list[str] | None, bytes]) -> LoggedRequest:
    request_id, time_ns, rows, values, labels, numbers = body
    columns = tuple(_column(value) for value in values)
    output = np.frombuffer(numbers, dtype=np.float64)
    if labels is None:
        return LoggedRequest(place, request_id, time_ns, columns, Prediction(rows, values=output))
    return LoggedRequest(
        place, request_id, time_ns, columns, Prediction(rows, labels=labels, probabilities=output.reshape(rows, -1))
    )


def _column(value: list[str] | bytes) -> Array:
    if isinstance(value, bytes):
        return np.frombuffer(value, dtype=np.float64)
    return np.array(value, dtype=object)
