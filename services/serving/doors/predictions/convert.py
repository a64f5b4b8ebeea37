"""Columns and predictions: protobuf to domain and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.serving.v1 import prediction_service_pb2
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.inference import Answer
from ...domain.insights.explanation import Explanation
from ...domain.insights.interval import Interval
from ...domain.requests.columns import Array


def arrays_of(columns: Iterable[table_pb2.Column]) -> dict[str, Array]:
    """Return the values of columns by name. Raises InvalidArgument for one sent twice or without values."""
    arrays: dict[str, Array] = {}
    for column in columns:
        if column.name in arrays:
            raise _bad_column(column.name, "was sent twice; send each column once")
        which = column.WhichOneof("values")
        if which == "numbers":
            arrays[column.name] = np.array(column.numbers.values[:], dtype=np.float64)
        elif which == "texts":
            arrays[column.name] = np.array(column.texts.values[:], dtype=object)
        else:
            raise _bad_column(column.name, "has no values; set numbers or texts")
    return arrays


def _bad_column(name: str, problem: str) -> InvalidArgument:
    return InvalidArgument(
        f"column '{name}' {problem}", violations=[FieldViolation(f"columns[{name}]", f"the column {problem}")]
    )


def to_predict_response(answer: Answer) -> prediction_service_pb2.PredictResponse:
    """Return an answer as PredictionService sends it."""
    prediction = answer.prediction
    response = prediction_service_pb2.PredictResponse(
        request_id=answer.request_id, model_version=answer.model.version, classes=answer.model.schema.classes
    )
    if prediction.values is not None:
        response.values.extend(prediction.values.tolist())
    else:
        response.labels.extend(prediction.labels or ())
        if prediction.probabilities is not None:
            response.probabilities.extend(prediction.probabilities.ravel().tolist())
    if answer.explanation is not None:
        response.explanation.CopyFrom(_to_explanation(answer.explanation))
    if answer.interval is not None:
        response.interval.CopyFrom(_to_interval(answer.interval))
    return response


def _to_explanation(explanation: Explanation) -> prediction_service_pb2.Explanation:
    return prediction_service_pb2.Explanation(
        columns=explanation.columns,
        contributions=explanation.contributions.ravel().tolist(),
        base_values=explanation.base_values.tolist(),
        scale=explanation.scale,
    )


def _to_interval(interval: Interval) -> prediction_service_pb2.Interval:
    return prediction_service_pb2.Interval(
        coverage=interval.coverage,
        lower=_flat(interval.lower),
        upper=_flat(interval.upper),
        contains=_flat(interval.contains),
    )


def _flat(array: Array | None) -> list[Any]:
    return [] if array is None else array.ravel().tolist()
