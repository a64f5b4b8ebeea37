"""What a server needs to explain a model: a graph that computes features, and what scores them as arrays."""

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
from .additive import read_additive
from .errors import ExportError
from .estimators import read_trees
from .graph import GraphWriter, Value
from .predictors import Columns, FittedModel, WeightedEnsemble
from .prepare import write_preparation
from .tensors import tensor_names
from .tree_arrays import flatten
from .trees import TreeModel

Scale = Literal["probability", "log_odds", "value"]
Arrays = Mapping[str, NDArray[Any]]

# Training rows that the means of additive models' features are taken over.
_BACKGROUND_ROWS = 20_000
# Links of trees that add up to the prediction itself.
_SUMS = ("identity", "complement")


@dataclass(frozen=True)
class Explainable:
    """`features`: an ONNX graph from the model's inputs to "features", double [n, k], as the members compare them.

    `arrays`: `column_of` int32 [k], each feature's position among the model's inputs; `parts`, how many parts follow;
    of part i `i.link` (identity, logistic or softmax), `i.weight`, and either the arrays of tree_arrays.flatten, or
    those of additive.read_additive and `i.first`, the first of its features. `scale`: what contributions sum to.
    """

    features: bytes
    arrays: Arrays
    scale: Scale


@dataclass(frozen=True)
class _Member:
    """A member of the model, its weight and its first feature; `trees` where it consists of them."""

    model: FittedModel
    weight: float
    first: int
    trees: TreeModel | None


def to_explainable(
    model: FittedModel | WeightedEnsemble, inputs: Sequence[InputColumn], background: Columns
) -> Explainable:
    """The parts that explain the model; raises ExportError that says why there are none.

    `background` holds training rows.
    """
    members = _members(model)
    parts: list[dict[str, Any]] = []
    sums = [(m.trees, m.first, m.weight) for m in members if m.trees is not None and m.trees.link in _SUMS]
    if sums:
        parts.append({"link": "identity", "weight": 1.0, **flatten(sums)})
    parts += [_part(member, background) for member in members if member.trees is None or member.trees.link not in _SUMS]
    features, column_of = _features(members, inputs)
    arrays = {f"{number}.{name}": np.asarray(part[name]) for number, part in enumerate(parts) for name in part}
    arrays |= {"column_of": column_of, "parts": np.array(len(parts))}
    return Explainable(features, arrays, _scale(members, parts))


def _members(model: FittedModel | WeightedEnsemble) -> list[_Member]:
    weighted = (
        [(model, 1.0)]
        if model.kind == "model"
        else [(member, share) for (member, _), share in zip(model.members, model.shares, strict=True)]
    )
    members, first = [], 0
    for member, share in weighted:
        if member.present and member.present != tuple(range(len(member.classes))):
            raise ExportError("not explained: a class was absent from the rows that the model was fitted on")
        trees = read_trees(member.estimator)
        if trees is not None and trees.link == "exponential":
            raise ExportError("not explained: the model's trees add up to the logarithm of the value, not to the value")
        members.append(_Member(member, share, first, trees))
        first += len(member.preparation.feature_names)
    return members


def _part(member: _Member, background: Columns) -> dict[str, Any]:
    """A part that is a member of its own, because a link stands between its scores and its prediction."""
    if member.trees is not None:
        return {"link": member.trees.link, "weight": member.weight, **flatten([(member.trees, member.first, 1.0)])}
    count = len(next(iter(background.values())))
    every = max(1, -(-count // _BACKGROUND_ROWS))
    features = member.model.preparation.transform({name: values[::every] for name, values in background.items()})
    found = read_additive(member.model.estimator, features)
    if found is None:
        name = type(member.model.estimator).__name__
        raise ExportError(
            f"not explained: {name} has no exact contributions here; trees, linear models and ensembles of them have"
        )
    arrays, link = found
    return {"link": link, "weight": member.weight, "first": member.first, **arrays}


def _scale(members: Sequence[_Member], parts: Sequence[Mapping[str, Any]]) -> Scale:
    """Scores of a single model are explained themselves; those of several are carried over to what is averaged."""
    if not members[0].model.classes:
        return "value"
    return "log_odds" if len(members) == 1 and parts[0]["link"] != "identity" else "probability"


def _features(members: Sequence[_Member], inputs: Sequence[InputColumn]) -> tuple[bytes, NDArray[np.int32]]:
    """The features of all members side by side, and which input each is made of."""
    names = tensor_names(inputs)
    writer = GraphWriter()
    tensors = {column.name: Value(writer, names[column.name]) for column in inputs}
    position = {column.name: index for index, column in enumerate(inputs)}
    parts, column_of = [], []
    for member in members:
        preparation = member.model.preparation
        features = write_preparation(writer, preparation, tensors)
        parts.append(writer.single(features) if member.trees is not None and member.trees.single else features)
        column_of += [position[name] for block in preparation.blocks for name in _columns_of(block)]
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
