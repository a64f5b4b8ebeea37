"""The columns of a logged batch, as the domain's sketches take them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import InvalidArgument

from ..domain.performance import Answer, Task
from ..domain.reference import ColumnReference, Floats, NumberReference, Reference
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
    for column in (*batch.inputs, batch.prediction):
        values = len(column.texts.values) + len(column.numbers.values)
        if values != rows:
            raise InvalidArgument(f"column {column.name!r} has {values} values for {rows} rows")
    if not 0 <= batch.sampling_rate <= 1:
        raise InvalidArgument(f"a share of {batch.sampling_rate} of the requests can't have been logged")
    if batch.probabilities and len(batch.probabilities) != rows * len(batch.classes):
        raise InvalidArgument(
            f"{len(batch.probabilities)} probabilities do not fill {rows} rows of {len(batch.classes)} classes"
        )


def sampling_rate_of(batch: events_pb2.PredictionBatch) -> float:
    """Return the share of requests that is logged; where none is told, all are."""
    return batch.sampling_rate or 1.0


def read_answers(batch: events_pb2.PredictionBatch) -> list[Answer]:
    """Return what was predicted for each row."""
    labels, values = list(batch.prediction.texts.values), list(batch.prediction.numbers.values)
    if batch.task_type == table_pb2.TASK_TYPE_BINARY and batch.probabilities:
        values = last_class_scores(batch).tolist()
    return [
        Answer(labels[row] if labels else "", values[row] if values else math.nan)
        for row in range(max(len(labels), len(values)))
    ]


def read_inputs(batch: events_pb2.PredictionBatch, reference: Reference) -> dict[str, Values]:
    """Return the batch's inputs by name, read as the reference has them; inputs it does not know are left out."""
    by_name = {column.name: column for column in reference.columns if not column.is_prediction}
    return {column.name: read_values(column, by_name[column.name]) for column in batch.inputs if column.name in by_name}


def read_prediction(batch: events_pb2.PredictionBatch, reference: Reference) -> Values:
    """Return what the reference watches of the prediction: the last class's score for binary, else label or value."""
    watched = next((column for column in reference.columns if column.is_prediction), None)
    if watched is None:
        return []
    if isinstance(watched, NumberReference) and batch.probabilities:
        return last_class_scores(batch)
    return read_values(batch.prediction, watched)


def last_class_scores(batch: events_pb2.PredictionBatch) -> Floats:
    """Return the probability of the last class, one a row."""
    return np.array(batch.probabilities, dtype=np.float64).reshape(-1, len(batch.classes))[:, -1]


def read_values(column: table_pb2.Column, reference: ColumnReference) -> Values:
    """Return a wire column as float64 or as texts, whichever the reference counts; what can't be read is missing."""
    numbers, texts = column.numbers.values, column.texts.values
    if isinstance(reference, NumberReference):
        if column.WhichOneof("values") == "texts":
            return np.array([_number(text, reference.is_instant) for text in texts], dtype=np.float64)
        return np.array(numbers, dtype=np.float64)
    name: Callable[[str], str] = truth_text if reference.categories == (FALSE, TRUE) else str
    if column.WhichOneof("values") == "numbers":
        return [name(_text(number)) for number in numbers]
    return [name(text) for text in texts] if name is truth_text else texts


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
