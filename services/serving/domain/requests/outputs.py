"""Predictions, and what else was asked for, as tensors of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..insights.explanation import Explanation
from ..insights.interval import Interval
from ..models.prediction import Prediction
from ..models.schema import Kind, Schema, TaskType
from .columns import Array
from .options import PLAIN, PredictionOptions
from .tensors import BYTES

PREDICT = "predict"
PREDICT_PROBA = "predict_proba"
CONTRIBUTIONS = "contributions"
BASE_VALUES = "base_values"
INTERVAL_LOWER = "interval_lower"
INTERVAL_UPPER = "interval_upper"
PREDICTION_SET = "prediction_set"
INPUT_DATATYPES = {Kind.NUMBER: "FP64", Kind.BOOLEAN: "BOOL", Kind.DATETIME: BYTES, Kind.TEXT: BYTES}


class TensorInfo(NamedTuple):
    """A tensor as metadata describes it; -1 stands for the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class RequestedOutput(NamedTuple):
    """An output that a client named.

    top: how many of the likeliest classes to answer as texts instead of numbers; 0 for the numbers.
    binary: whether REST sends it as raw bytes.
    """

    name: str
    top: int = 0
    binary: bool = False


class OutputTensor(NamedTuple):
    """One output: data is a list of str for BYTES, else an array of the shape, bool for BOOL and float64 for FP64."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[str] | Array
    parameters: Mapping[str, str | float] | None = None


def input_infos(schema: Schema) -> tuple[TensorInfo, ...]:
    """Return how the model's inputs are announced."""
    return tuple(TensorInfo(column.name, INPUT_DATATYPES[column.kind], (-1, 1)) for column in schema.inputs)


def output_infos(schema: Schema) -> tuple[TensorInfo, ...]:
    """Return how the model's outputs are announced."""
    if schema.task is TaskType.REGRESSION:
        return (TensorInfo(PREDICT, "FP64", (-1,)),)
    return (
        TensorInfo(PREDICT, BYTES, (-1,)),
        TensorInfo(PREDICT_PROBA, "FP64", (-1, len(schema.classes))),
    )


def check_outputs(schema: Schema, outputs: Sequence[RequestedOutput], options: PredictionOptions = PLAIN) -> None:
    """Raise InvalidArgument for an output that this model does not answer to a request with these options."""
    if not outputs:
        return
    known = _names(schema, options)
    for output in outputs:
        if output.name not in known:
            raise _invalid(f"the model has no output '{output.name}' for this request; it answers {', '.join(known)}")
        if output.top and output.name != PREDICT_PROBA:
            raise _invalid(f"'classification' was asked of the output '{output.name}'; only {PREDICT_PROBA} has it")


def output_tensors(
    prediction: Prediction,
    outputs: Sequence[RequestedOutput] = (),
    *,
    classes: Sequence[str] = (),
    explanation: Explanation | None = None,
    interval: Interval | None = None,
) -> list[OutputTensor]:
    """Return the outputs asked for, in that order; all of them when none is named. check_outputs has seen the names.

    classes: the labels in the order of the probabilities, where the likeliest are asked for.
    """
    every = _predicted(prediction)
    if explanation is not None:
        every += _explained(explanation)
    if interval is not None:
        every += _bounded(interval)
    if not outputs:
        return every
    by_name = {tensor.name: tensor for tensor in every}
    return [
        _likeliest(by_name[output.name], output.top, classes) if output.top else by_name[output.name]
        for output in outputs
    ]


def _names(schema: Schema, options: PredictionOptions) -> list[str]:
    regression = schema.task is TaskType.REGRESSION
    names = [PREDICT] if regression else [PREDICT, PREDICT_PROBA]
    if options.explain:
        names += [CONTRIBUTIONS, BASE_VALUES]
    if options.interval:
        names += [INTERVAL_LOWER, INTERVAL_UPPER] if regression else [PREDICTION_SET]
    return names


def _invalid(message: str) -> InvalidArgument:
    return InvalidArgument(message, violations=[FieldViolation("outputs", message)])


def _predicted(prediction: Prediction) -> list[OutputTensor]:
    rows = prediction.rows
    if prediction.values is not None:
        return [OutputTensor(PREDICT, "FP64", (rows,), prediction.values)]
    probabilities = prediction.probabilities if prediction.probabilities is not None else np.empty((rows, 0))
    return [
        OutputTensor(PREDICT, BYTES, (rows,), prediction.labels or []),
        OutputTensor(PREDICT_PROBA, "FP64", probabilities.shape, probabilities),
    ]


def _explained(explanation: Explanation) -> list[OutputTensor]:
    contributions = explanation.contributions
    if contributions.shape[1] == 1:
        contributions = contributions[:, 0, :]
    base = explanation.base_values
    return [
        OutputTensor(CONTRIBUTIONS, "FP64", contributions.shape, contributions, {"scale": explanation.scale}),
        OutputTensor(BASE_VALUES, "FP64", base.shape, base),
    ]


def _bounded(interval: Interval) -> list[OutputTensor]:
    bounds = (
        (INTERVAL_LOWER, "FP64", interval.lower),
        (INTERVAL_UPPER, "FP64", interval.upper),
        (PREDICTION_SET, "BOOL", interval.contains),
    )
    return [
        OutputTensor(name, datatype, data.shape, data, {"coverage": interval.coverage})
        for name, datatype, data in bounds
        if data is not None
    ]


def _likeliest(probabilities: OutputTensor, top: int, classes: Sequence[str]) -> OutputTensor:
    """Return "value:index:label" of the likeliest classes of each row, as Triton's classification extension has it."""
    values = np.asarray(probabilities.data)
    best = np.argsort(-values, axis=1, kind="stable")[:, :top]
    texts = [
        f"{value!r}:{index}:{classes[index]}"
        for row, indices in zip(values.tolist(), best.tolist(), strict=True)
        for index, value in ((index, row[index]) for index in indices)
    ]
    return OutputTensor(probabilities.name, BYTES, best.shape, texts)
