"""The columns of a logged batch, as the domain's sketches take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import InvalidArgument

from ..domain.performance import Answer, Task
from ..domain.reference import CategoryReference, ColumnReference, Floats, NumberReference, Reference
from ..domain.window import Values
from .reference_reader import FALSE, TRUE, truth_text

TASKS = {
    table_pb2.TASK_TYPE_BINARY: Task.BINARY,
    table_pb2.TASK_TYPE_MULTICLASS: Task.MULTICLASS,
    table_pb2.TASK_TYPE_REGRESSION: Task.REGRESSION,
}


def check_batch(batch: events_pb2.PredictionBatch) -> None:
    """Raise InvalidArgument for a batch whose columns do not have one value for each of its rows."""
    rows = sum(request.row_count for request in batch.requests)
    if any(request.row_count < 0 for request in batch.requests):
        raise InvalidArgument("a request has fewer than no rows")
    if any(request.first_row < 0 for request in batch.requests):
        raise InvalidArgument("a request begins before its first row")
    for name, values in _lengths(batch):
        if values != rows:
            raise InvalidArgument(f"column {name!r} has {values} values for {rows} rows")
    for packed in (*batch.packed_inputs, batch.packed_prediction):
        if max(packed.places, default=-1) >= len(packed.texts):
            raise InvalidArgument(f"column {packed.name!r} tells of more texts than the {len(packed.texts)} it has")
    if not 0 <= batch.sampling_rate <= 1:
        raise InvalidArgument(f"a share of {batch.sampling_rate} of the requests can't have been logged")
    if batch.probabilities and len(batch.probabilities) != rows * len(batch.classes):
        raise InvalidArgument(
            f"{len(batch.probabilities)} probabilities do not fill {rows} rows of {len(batch.classes)} classes"
        )


def _lengths(batch: events_pb2.PredictionBatch) -> list[tuple[str, int]]:
    plain: list[table_pb2.Column] = [*batch.inputs]
    packed: list[events_pb2.PackedColumn] = [*batch.packed_inputs]
    if batch.HasField("packed_prediction"):
        packed.append(batch.packed_prediction)
    else:
        plain.append(batch.prediction)
    return [(column.name, len(column.texts.values) + len(column.numbers.values)) for column in plain] + [
        (column.name, len(column.places) + len(column.numbers)) for column in packed
    ]


def sampling_rate_of(batch: events_pb2.PredictionBatch) -> float:
    """Return the share of requests that is logged; where none is told, all are."""
    return batch.sampling_rate or 1.0


def read_answers(batch: events_pb2.PredictionBatch) -> list[Answer]:
    """Return what was predicted for each row."""
    labels, values = _labels(batch), list(batch.prediction.numbers.values)
    if batch.task_type == table_pb2.TASK_TYPE_BINARY and batch.probabilities:
        values = last_class_scores(batch).tolist()
    return [
        Answer(labels[row] if labels else "", values[row] if values else math.nan)
        for row in range(max(len(labels), len(values)))
    ]


def _labels(batch: events_pb2.PredictionBatch) -> list[str]:
    if not batch.HasField("packed_prediction"):
        return list(batch.prediction.texts.values)
    return _placed(list(batch.packed_prediction.texts), batch.packed_prediction.places)


def _placed(texts: Sequence[str], places: bytes) -> list[str]:
    return list(map(texts.__getitem__, places))


def read_inputs(batch: events_pb2.PredictionBatch, reference: Reference) -> dict[str, Values]:
    """Return the batch's inputs by name, read as the reference has them; inputs it does not know are left out."""
    by_name = {column.name: column for column in reference.columns if not column.is_prediction}
    read = {column.name: read_values(column, by_name[column.name]) for column in batch.inputs if column.name in by_name}
    for packed in batch.packed_inputs:
        if packed.name in by_name:
            read[packed.name] = read_packed(packed, by_name[packed.name])
    return read


def read_prediction(batch: events_pb2.PredictionBatch, reference: Reference) -> Values:
    """Return what the reference watches of the prediction: the last class's score for binary, else label or value."""
    watched = next((column for column in reference.columns if column.is_prediction), None)
    if watched is None:
        return []
    if isinstance(watched, NumberReference) and batch.probabilities:
        return last_class_scores(batch)
    if batch.HasField("packed_prediction"):
        return read_packed(batch.packed_prediction, watched)
    return read_values(batch.prediction, watched)


def last_class_scores(batch: events_pb2.PredictionBatch) -> Floats:
    """Return the probability of the last class, one a row."""
    return np.array(batch.probabilities, dtype=np.float64).reshape(-1, len(batch.classes))[:, -1]


def read_values(column: table_pb2.Column, reference: ColumnReference) -> Values:
    """Return a wire column as float64 or as texts, whichever the reference counts; what can't be read is missing."""
    if column.WhichOneof("values") == "texts":
        return _read_texts(column.texts.values, reference)
    return _read_numbers(column.numbers.values, reference)


def read_packed(column: events_pb2.PackedColumn, reference: ColumnReference) -> Values:
    """Return a packed column likewise; each of its texts is read once."""
    if not column.texts:
        return _read_numbers(column.numbers, reference)
    each = _read_texts(column.texts, reference)
    if isinstance(each, np.ndarray):
        return each[np.frombuffer(column.places, dtype=np.uint8)]
    return _placed(each, column.places)


def _read_texts(texts: Sequence[str], reference: ColumnReference) -> Values:
    if isinstance(reference, NumberReference):
        return np.array([_number(text, reference.is_instant) for text in texts], dtype=np.float64)
    name = _name_of(reference)
    return [name(text) for text in texts] if name is truth_text else texts


def _read_numbers(numbers: Sequence[float], reference: ColumnReference) -> Values:
    if isinstance(reference, NumberReference):
        return np.array(numbers, dtype=np.float64)
    name = _name_of(reference)
    return [name(_text(number)) for number in numbers]


def _name_of(reference: ColumnReference) -> Callable[[str], str]:
    """Return how a category is named."""
    if isinstance(reference, CategoryReference) and reference.categories == (FALSE, TRUE):
        return truth_text
    return str


def _number(text: str, is_instant: bool) -> float:
    try:
        if not is_instant:
            return float(text)
        instant = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _text(number: float) -> str:
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() else repr(number)
