"""Answered requests as journal records: a head that is the same for all requests of one deployment and version, and
the request itself. Requests of many rows are kept in another form (made_events.py).

The head is JSON; the request is a pickle of built-in types alone, which is several times quicker than protobuf. The
request may be several of a row each, which were answered together: then there is a list of ids. Nothing
in a record names a class, so any later version of this service, wherever its code lies, can read it. Numbers are the
bytes of float64 arrays, one for all numeric columns, a column after the other, and the texts lie likewise in one text,
with a NUL between two of them, or, where one has a NUL in it, in a list; so that a batch of requests is put together
without looking at each value.

What can fail must fail before the answer, never when it is published: values that no event can hold are refused when
they are read (requests/columns.py, requests/identifiers.py), and encode() raises for texts that UTF-8 can't spell. What
an earlier version kept all the same is left out, request by request (drafts.py).
"""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ...domain.models.model import Model
from ...domain.models.prediction import Prediction
from ...domain.prediction_log import LoggedRequest, Origin, PredictionBatch
from ...domain.requests.columns import Array, Columns
from .frames import Mark, Record
from .made_events import MARK, MadeEvents, read_made
from .origins import Origins

_HEAD_LENGTH = struct.Struct("<I")
_DOUBLE = 8
_FIELDS_BY_COLUMN = 6
_BETWEEN_TEXTS = "\0"


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


def encode(head: bytes, request_id: str | list[str], time_ns: int, columns: Columns, prediction: Prediction) -> bytes:
    """Return the record of an answered request, or of several of a row each. Raises ValueError for what is no text."""
    numbers: list[bytes] = []
    texts: list[str] = []
    for column in columns:
        if column.dtype == object:
            texts += column.tolist()
        else:
            numbers.append(column.tobytes())
    joined = _BETWEEN_TEXTS.join(texts)
    if not joined.isascii():
        # A pickle takes what the event would not.
        joined.encode()
    told = joined if joined.count(_BETWEEN_TEXTS) == len(texts) - 1 else texts
    output = prediction.values if prediction.values is not None else prediction.probabilities
    outputs = b"" if output is None else output.tobytes()
    return head + pickle.dumps(
        (request_id, time_ns, prediction.rows, b"".join(numbers), told, prediction.labels, outputs), 5
    )


def describe(body: bytes) -> Mark:
    """Return whose record this is, its rows and its time. Raises an error of any kind for other bytes."""
    head, request = _decoded(body)
    return Mark(json.loads(head)["deployment"], request.rows, request.time_ns)


def batches(
    records: Iterable[Record],
    max_rows: int,
    max_bytes: int,
    damaged: Callable[[Record], None],
    origins: Origins | None = None,
) -> Iterator[PredictionBatch | MadeEvents]:
    """Return the requests of records in batches of one deployment and version, and as events those kept as such.

    What neither encode() nor encode_made() wrote is left out, and damaged is told of it. Requests of one deployment and
    version keep their order, over all its batches; those of versions that answer in turn do not, else each batch would
    hold but one. A batch ends before it would have more than max_rows rows or more than max_bytes of records; a larger
    request is alone. Heads that origins know from before need not be read again.
    """
    origins = origins or Origins()
    gathered: dict[bytes, _Gathering] = {}
    for record in records:
        rows = record.mark.rows
        try:
            head, request = _read(record)
            gathering = gathered.get(head)
            if gathering is None:
                gathering = gathered[head] = _Gathering(origins.of(head))
            if isinstance(request, _Request):
                gathering.check(request)
        except Exception:  # noqa: BLE001 - bytes that are no record may fail in any way; the caller is told
            damaged(record)
            continue
        if isinstance(request, MadeEvents):
            if gathering.requests:
                yield gathered.pop(head).batch()
            yield request
            continue
        size = len(record.body) - len(head)
        if gathering.requests and not gathering.takes(rows, size, max_rows, max_bytes):
            yield gathering.batch()
            gathering = gathered[head] = _Gathering(gathering.origin)
        gathering.add(record.place, request, size)
    for gathering in gathered.values():
        if gathering.requests:
            yield gathering.batch()


class _Request(NamedTuple):
    request_id: str | list[str]
    time_ns: int
    rows: int
    numbers: bytes
    texts: list[str]
    labels: list[str] | None
    outputs: bytes


class _Gathering:
    """Requests of one origin, on their way to a batch."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        layout = self._layout = origin.schema.layout
        self._row_bytes, self._row_texts = _DOUBLE * len(layout.number_places), len(layout.text_places)
        self.requests: list[LoggedRequest] = []
        self._parts: list[_Request] = []
        self._rows = 0
        self._size = 0

    def check(self, request: _Request) -> None:
        """Raise ValueError where a request has not what the head says."""
        _, _, rows, numbers, texts, labels, outputs = request
        if (
            len(numbers) != rows * self._row_bytes
            or len(texts) != rows * self._row_texts
            or len(outputs) % (rows * _DOUBLE)
            or (self._parts and len(outputs) * self._parts[0].rows != len(self._parts[0].outputs) * rows)
            or (labels and len(labels) != rows)
            or (isinstance(request.request_id, list) and len(request.request_id) != rows)
        ):
            raise ValueError(f"the request {request.request_id} has not the values that its head tells")

    def takes(self, rows: int, size: int, max_rows: int, max_bytes: int) -> bool:
        return self._rows + rows <= max_rows and self._size + size <= max_bytes

    def add(self, place: int, request: _Request, size: int) -> None:
        if isinstance(request.request_id, str):
            self.requests.append(LoggedRequest(place, request.request_id, request.time_ns, request.rows))
        else:
            time_ns = request.time_ns
            self.requests += [
                LoggedRequest(f"{place}.{index}", name, time_ns, 1) for index, name in enumerate(request.request_id)
            ]
        self._parts.append(request)
        self._rows += request.rows
        self._size += size

    def batch(self) -> PredictionBatch:
        layout = self._layout
        stacked = [*self._numbers(len(layout.number_places)), *self._texts(len(layout.text_places))]
        return PredictionBatch(
            self.origin,
            tuple(self.requests),
            tuple(stacked[place] for place in layout.order),
            [label for part in self._parts for label in part.labels or ()],
            _doubles(b"".join([part.outputs for part in self._parts])).reshape(self._rows, -1),
        )

    def _numbers(self, columns: int) -> Array:
        if self._rows == len(self._parts):
            # A row each, so that what lies one after the other is a row.
            return _doubles(b"".join([part.numbers for part in self._parts])).reshape(self._rows, columns).T
        return np.hstack([_doubles(part.numbers).reshape(columns, part.rows) for part in self._parts])

    def _texts(self, columns: int) -> list[tuple[str, ...]]:
        if self._rows == len(self._parts) and columns:
            return list(zip(*[part.texts for part in self._parts], strict=True))
        return [
            tuple(
                chain.from_iterable(part.texts[column * part.rows : (column + 1) * part.rows] for part in self._parts)
            )
            for column in range(columns)
        ]


def _doubles(data: bytes) -> Array:
    return np.frombuffer(data, dtype=np.float64)


def _read(record: Record) -> tuple[bytes, _Request | MadeEvents]:
    head, end = _head_of(record.body)
    if record.body.startswith(MARK, end):
        return head, read_made(record.place, record.mark.rows, record.body[end + len(MARK) :])
    return _decoded(record.body)


def _decoded(body: bytes) -> tuple[bytes, _Request]:
    head, end = _head_of(body)
    values = _BuiltIns(io.BytesIO(memoryview(body)[end:])).load()
    return head, _by_column(*values) if len(values) == _FIELDS_BY_COLUMN else _request(*values)


def _head_of(body: bytes) -> tuple[bytes, int]:
    """Return a record's head, and where what is behind it begins."""
    end = _HEAD_LENGTH.size + _HEAD_LENGTH.unpack_from(body)[0]
    return body[_HEAD_LENGTH.size : end], end


class _BuiltIns(pickle.Unpickler):
    """Reads numbers, texts, bytes, lists and tuples, and refuses to import anything."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the journal names {module}.{name}; records hold built-in types only")


def _request(
    request_id: str | list[str],
    time_ns: int,
    rows: int,
    numbers: bytes,
    texts: str | list[str],
    labels: list[str] | None,
    outputs: bytes,
) -> _Request:
    each = texts.split(_BETWEEN_TEXTS) if isinstance(texts, str) else texts
    return _Request(request_id, time_ns, rows, numbers, each, labels, outputs)


def _by_column(
    request_id: str, time_ns: int, rows: int, columns: list[Any], labels: list[str] | None, outputs: bytes
) -> _Request:
    """Return a request as earlier versions of this service wrote it: bytes or texts of each column by itself."""
    numbers = b"".join([column for column in columns if isinstance(column, bytes)])
    texts = [text for column in columns if not isinstance(column, bytes) for text in column]
    return _Request(request_id, time_ns, rows, numbers, texts, labels, outputs)
