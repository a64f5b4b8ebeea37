"""The columns of a logged batch, as the domain's sketches take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import InvalidArgument

from ..domain.reference import ColumnReference, Floats, NumberReference, Reference
from ..domain.window import Values
from .reference_reader import FALSE, TRUE, truth_text


def batch_rows(batch: events_pb2.PredictionBatch) -> int:
    """Return how many rows were predicted."""
    return sum(request.row_count for request in batch.requests)


def read_inputs(batch: events_pb2.PredictionBatch, reference: Reference) -> dict[str, Values]:
    """Return the batch's inputs by name, read as the reference has them; inputs it does not know are left out."""
    by_name = {column.name: column for column in reference.columns if not column.is_prediction}
    return {
        column.name: _checked(column.name, read_values(column, by_name[column.name]), batch_rows(batch))
        for column in batch.inputs
        if column.name in by_name
    }


def read_prediction(batch: events_pb2.PredictionBatch, reference: Reference) -> Values:
    """Return what the reference watches of the prediction: the last class's score for binary, else label or value."""
    watched = next((column for column in reference.columns if column.is_prediction), None)
    if watched is None:
        return []
    if isinstance(watched, NumberReference) and batch.probabilities:
        return _checked("prediction", last_class_scores(batch), batch_rows(batch))
    return _checked("prediction", read_values(batch.prediction, watched), batch_rows(batch))


def last_class_scores(batch: events_pb2.PredictionBatch) -> Floats:
    """Return the probability of the last class, one a row; raises InvalidArgument when they do not fill the rows."""
    classes = len(batch.classes)
    if not classes or len(batch.probabilities) % classes:
        raise InvalidArgument(f"{len(batch.probabilities)} probabilities do not fill rows of {classes} classes")
    return np.array(batch.probabilities, dtype=np.float64).reshape(-1, classes)[:, -1]


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


def _checked(name: str, values: Values, rows: int) -> Values:
    if len(values) != rows:
        raise InvalidArgument(f"column {name!r} has {len(values)} values for {rows} rows")
    return values


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


def slice_values(values: Values, start: int, stop: int) -> Values:
    """Return the rows from start up to stop."""
    part: Floats | Sequence[str] = values[start:stop]
    return part
