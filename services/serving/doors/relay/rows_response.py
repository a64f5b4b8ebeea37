"""The answer to rows in JSON: one object a row, with what was asked for beside the prediction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from ...domain.inference import Answer, AnsweredRows
from ...domain.insights.explanation import Explanation
from ...domain.insights.interval import Interval
from ...domain.models.prediction import Prediction

Row = dict[str, Any]


def rows_response(answer: Answer) -> bytes:
    """Return an answer as JSON; a number that JSON can't say (NaN, infinity) is null."""
    classes = answer.model.schema.classes
    predictions = _predictions(answer.prediction, classes)
    told: Row = {"request_id": answer.request_id, "model_version": answer.model.version, "predictions": predictions}
    if answer.explanation is not None:
        told["explanation"] = _explain(answer.explanation, classes, predictions)
    if answer.interval is not None:
        told["coverage"] = _bound(answer.interval, classes, predictions)
    return to_json(told, inf_nan_mode="null")


def rows_responses(answered: AnsweredRows) -> Iterator[bytes]:
    """Return the answer to each request of a row that was answered together with others."""
    predictions = _predictions(answered.prediction, answered.model.schema.classes)
    for request_id, prediction in zip(answered.request_ids, predictions, strict=True):
        told = {"request_id": request_id, "model_version": answered.model.version, "predictions": [prediction]}
        yield to_json(told, inf_nan_mode="null")


def _predictions(prediction: Prediction, classes: tuple[str, ...]) -> list[Row]:
    if prediction.values is not None:
        return [{"value": value} for value in prediction.values.tolist()]
    if prediction.probabilities is None:
        return [{"label": label} for label in prediction.labels or ()]
    return [
        {"label": label, "probabilities": dict(zip(classes, shares, strict=True))}
        for label, shares in zip(prediction.labels or (), prediction.probabilities.tolist(), strict=True)
    ]


def _explain(made: Explanation, classes: tuple[str, ...], predictions: list[Row]) -> Row:
    """Put the contributions into the predictions, and return what they sum to."""
    several = len(classes) > 2
    for prediction, of_row in zip(predictions, made.contributions.tolist(), strict=True):
        by_column = [dict(zip(made.columns, of_class, strict=True)) for of_class in of_row]
        prediction["contributions"] = dict(zip(classes, by_column, strict=True)) if several else by_column[0]
    base = made.base_values.tolist()
    return {
        "scale": made.scale,
        "base_value": dict(zip(classes, base, strict=True)) if several else base[0],
        "label": classes[1] if len(classes) == 2 else None,
    }


def _bound(made: Interval, classes: tuple[str, ...], predictions: list[Row]) -> float:
    """Put the intervals or sets into the predictions, and return their coverage."""
    if made.contains is not None:
        for prediction, inside in zip(predictions, made.contains.tolist(), strict=True):
            labels = [label for label, is_inside in zip(classes, inside, strict=True) if is_inside]
            prediction["interval"] = {"labels": labels}
    elif made.lower is not None and made.upper is not None:
        for prediction, low, high in zip(predictions, made.lower.tolist(), made.upper.tolist(), strict=True):
            prediction["interval"] = {"lower": low, "upper": high}
    return made.coverage
