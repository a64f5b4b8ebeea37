"""What a server needs to explain a model: a graph that computes its trees' features, and the trees as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ..preparation.blocks import CategoryBlock, NumberBlock
from ..table import InputColumn
from .errors import ExportError
from .estimators import read_trees
from .graph import GraphWriter, Value
from .predictors import FittedModel, WeightedEnsemble
from .prepare import write_preparation
from .tensors import tensor_names
from .tree_arrays import flatten
from .trees import TreeModel

Scale = Literal["probability", "log_odds", "value"]
Arrays = Mapping[str, NDArray[Any]]

_SCALES: dict[str, Scale] = {"logistic": "log_odds", "softmax": "log_odds", "complement": "probability"}
_WHICH = (
    "exact contributions exist for a single model of trees, for an ensemble of trees that predicts a value, and for an"
    " ensemble of forests"
)


@dataclass(frozen=True)
class Explainable:
    """`features`: an ONNX graph from the model's inputs to "features", double [n, k], as the trees compare them.

    `trees`: see tree_arrays.flatten, and `column_of` int32 [k], each feature's position among the model's inputs.
    `scale`: what contributions sum to.
    """

    features: bytes
    trees: Arrays
    scale: Scale


def to_explainable(model: FittedModel | WeightedEnsemble, inputs: Sequence[InputColumn]) -> Explainable:
    """The parts that explain the model; raises ExportError that says why there are none."""
    weighted = (
        [(model, 1.0)]
        if model.kind == "model"
        else [(member, share) for (member, _), share in zip(model.members, model.shares, strict=True)]
    )
    members = [member for member, _ in weighted]
    trees = [_trees_of(member) for member in members]
    scale = _scale(members, trees)
    features, column_of = _features(members, trees, inputs)
    widths = [len(member.preparation.feature_names) for member in members]
    starts = np.cumsum([0, *widths[:-1]]).tolist()
    arrays = flatten([(found, start, share) for found, start, (_, share) in zip(trees, starts, weighted, strict=True)])
    return Explainable(features, {**arrays, "column_of": column_of}, scale)


def _trees_of(model: FittedModel) -> TreeModel:
    if model.present and model.present != tuple(range(len(model.classes))):
        raise ExportError("not explained: a class was absent from the rows that the model was fitted on")
    trees = read_trees(model.estimator)
    if trees is None:
        raise ExportError(f"not explained: {type(model.estimator).__name__} has no trees; {_WHICH}")
    if trees.link == "exponential":
        raise ExportError("not explained: the model's trees add up to the logarithm of the value, not to the value")
    return trees


def _scale(members: Sequence[FittedModel], trees: Sequence[TreeModel]) -> Scale:
    """What the members' trees add up to. A mean of probabilities is a sum of trees only where each of them is."""
    boosted = [
        type(member.estimator).__name__
        for member, found in zip(members, trees, strict=True)
        if found.link in ("logistic", "softmax")
    ]
    if len(members) > 1 and boosted:
        raise ExportError(
            f"not explained: the ensemble averages probabilities, but trees of {boosted[0]} add up to log-odds, whose"
            f" average is no sum of contributions; {_WHICH}"
        )
    if not members[0].classes:
        return "value"
    return _SCALES.get(trees[0].link, "probability")


def _features(
    members: Sequence[FittedModel], trees: Sequence[TreeModel], inputs: Sequence[InputColumn]
) -> tuple[bytes, NDArray[np.int32]]:
    """The features of all members side by side, and which input each is made of."""
    names = tensor_names(inputs)
    writer = GraphWriter()
    tensors = {column.name: Value(writer, names[column.name]) for column in inputs}
    position = {column.name: index for index, column in enumerate(inputs)}
    parts, column_of = [], []
    for member, found in zip(members, trees, strict=True):
        features = write_preparation(writer, member.preparation, tensors)
        parts.append(writer.single(features) if found.single else features)
        column_of += [position[name] for block in member.preparation.blocks for name in _columns_of(block)]
    infos = [
        helper.make_tensor_value_info(
            names[column.name], TensorProto.STRING if column.kind == "text" else TensorProto.DOUBLE, ["n", 1]
        )
        for column in inputs
    ]
    output = helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["n", len(column_of)])
    graph = writer.model(infos, writer.concat(parts), output)
    onnx.checker.check_model(graph)
    return graph.SerializeToString(), np.array(column_of, dtype=np.int32)


def _columns_of(block: NumberBlock | CategoryBlock) -> list[str]:
    """The input column behind each of a block's features."""
    if block.kind == "category":
        return [block.column] * len(block.names)
    columns = [source.column for source in block.sources]
    return [*columns, *(columns[index] for index in block.flagged)]
