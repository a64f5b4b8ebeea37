"""Predictions as tensors of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .columns import Array
from .prediction import Prediction
from .schema import Kind, Schema, TaskType
from .tensors import BYTES

PREDICT = "predict"
PREDICT_PROBA = "predict_proba"
INPUT_DATATYPES = {Kind.NUMBER: "FP64", Kind.BOOLEAN: "BOOL", Kind.DATETIME: BYTES, Kind.TEXT: BYTES}


class TensorInfo(NamedTuple):
    """A tensor as metadata describes it; -1 stands for the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class OutputTensor(NamedTuple):
    """One output: data is a list of str for BYTES, else a float64 array of the shape."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[str] | Array


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


def check_outputs(schema: Schema, names: Sequence[str]) -> None:
    """Raise InvalidArgument for a name that this model does not answer."""
    if not names:
        return
    known = [info.name for info in output_infos(schema)]
    for name in names:
        if name not in known:
            message = f"the model has no output '{name}'; it answers {', '.join(known)}"
            raise InvalidArgument(message, violations=[FieldViolation("outputs", message)])


def output_tensors(prediction: Prediction, names: Sequence[str] = ()) -> list[OutputTensor]:
    """Return the outputs asked for, in that order; all of them when none is named. check_outputs has seen the names."""
    rows = prediction.rows
    if prediction.values is not None:
        every = [OutputTensor(PREDICT, "FP64", (rows,), prediction.values)]
    else:
        probabilities = prediction.probabilities if prediction.probabilities is not None else np.empty((rows, 0))
        every = [
            OutputTensor(PREDICT, BYTES, (rows,), prediction.labels or []),
            OutputTensor(PREDICT_PROBA, "FP64", probabilities.shape, probabilities),
        ]
    if not names:
        return every
    by_name = {tensor.name: tensor for tensor in every}
    return [by_name[name] for name in names]
