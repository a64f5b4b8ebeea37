"""Preparation and model as one ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..table import InputColumn
from .errors import ExportError
from .estimators import write_estimator
from .graph import GraphWriter, Value
from .predictors import FittedModel, WeightedEnsemble
from .prepare import write_preparation
from .tensors import tensor_names


def to_onnx(model: FittedModel | WeightedEnsemble, inputs: Sequence[InputColumn]) -> onnx.ModelProto:
    """One graph from input columns to predictions, in double precision.

    Inputs: a tensor [n, 1] for each column, named by `tensor_names`; string for text, else double. Output:
    "probabilities" [n, classes], or "value" [n, 1]. Raises ExportError with the reason where that is not possible.
    """
    absent = sorted(set(model.input_names) - {column.name for column in inputs})
    if absent:
        raise ExportError(f"the model reads the column '{absent[0]}', which is not among its inputs")
    names = tensor_names(inputs)
    writer = GraphWriter()
    values = {column.name: Value(writer, names[column.name]) for column in inputs}
    members = _weighted(model)
    parts = [_write_member(writer, member, values, share) for member, share in members]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    infos = [
        helper.make_tensor_value_info(
            names[column.name], TensorProto.STRING if column.kind == "text" else TensorProto.DOUBLE, ["n", 1]
        )
        for column in inputs
    ]
    name, width = ("probabilities", len(model.classes)) if model.classes else ("value", 1)
    written = writer.model(infos, total, helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", width]))
    if written.ByteSize() >= onnx.checker.MAXIMUM_PROTOBUF:
        raise ExportError("the graph is larger than 2 GB, the most that one ONNX file can hold")
    onnx.checker.check_model(written)
    return written


def _weighted(model: FittedModel | WeightedEnsemble) -> list[tuple[FittedModel, float]]:
    if model.kind == "model":
        return [(model, 1.0)]
    return [(member, share) for (member, _), share in zip(model.members, model.shares, strict=True)]


def _write_member(writer: GraphWriter, model: FittedModel, inputs: Mapping[str, Value], share: float) -> Value:
    features = write_preparation(writer, model.preparation, inputs)
    prediction = write_estimator(writer, model.estimator, features)
    if model.present and model.present != tuple(range(len(model.classes))):
        prediction = writer.node("MatMul", prediction, np.eye(len(model.classes))[list(model.present)])
    return prediction if share == 1.0 else prediction * share
