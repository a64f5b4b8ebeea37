"""Tensors, made the columns that the model reads.

Three shapes of request are read:
A. one tensor per column, named like it, of shape [n] or [n, 1];
B. one numeric matrix [n, k] in the order of the model's inputs, where none of them is text;
C. one BYTES tensor of n JSON objects, a row each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from .columns import columns_of, columns_of_objects
from .json_tensors import BYTES, Tensor, bad_tensor
from .manifest import TEXT, Column
from .model import Array
from .rows import Refused


def columns_of_tensors(columns: Sequence[Column], tensors: Sequence[Tensor]) -> list[Array]:
    """Return the model's columns. Raises Refused naming the tensor and what was expected; so it does without a row."""
    made = _columns(columns, tensors)
    if not len(made[0]):
        raise Refused("no rows were sent; send at least one")
    return made


def _columns(columns: Sequence[Column], tensors: Sequence[Tensor]) -> list[Array]:
    names = [column.name for column in columns]
    if len(tensors) == 1 and not (tensors[0].name in names and _is_column(tensors[0])):
        return _rows(columns, tensors[0]) if tensors[0].datatype == BYTES else _matrix(columns, tensors[0])
    given: dict[str, Array] = {}
    for tensor in tensors:
        if tensor.name not in names:
            raise bad_tensor(tensor.name, f"the model has no input of this name; it reads {', '.join(names)}")
        if tensor.name in given:
            raise bad_tensor(tensor.name, "it was sent twice; send each input once")
        if not _is_column(tensor):
            raise bad_tensor(tensor.name, f"shape {list(tensor.shape)} was sent; expected [n] or [n, 1]")
        given[tensor.name] = tensor.data
    texts = {tensor.name for tensor in tensors if tensor.datatype == BYTES and not tensor.decoded}
    return columns_of(columns, given, texts)


def _is_column(tensor: Tensor) -> bool:
    return len(tensor.shape) == 1 or tensor.shape[1:] == (1,)


def _matrix(columns: Sequence[Column], tensor: Tensor) -> list[Array]:
    texts = [column.name for column in columns if column.kind == TEXT]
    if texts:
        raise bad_tensor(
            tensor.name,
            f"one numeric tensor can't carry this model's text inputs ({', '.join(texts)}); "
            "send one tensor per column, or one BYTES tensor of JSON rows",
        )
    names = [column.name for column in columns]
    if len(tensor.shape) != 2 or tensor.shape[1] != len(names):
        raise bad_tensor(
            tensor.name,
            f"shape {list(tensor.shape)} was sent; expected [n, {len(names)}], with the columns {', '.join(names)}",
        )
    matrix = tensor.data.reshape(tensor.shape).astype(np.float64, copy=False)
    return columns_of(columns, {name: np.ascontiguousarray(matrix[:, i]) for i, name in enumerate(names)})


def _rows(columns: Sequence[Column], tensor: Tensor) -> list[Array]:
    rows = []
    for number, text in enumerate(tensor.data.tolist()):
        try:
            rows.append(json.loads(text))
        except (ValueError, TypeError) as error:
            raise bad_tensor(
                tensor.name,
                f"element {number} is not a JSON object ({error}); the model reads one tensor per column "
                f"({', '.join(column.name for column in columns)}) or one BYTES tensor of JSON rows",
            ) from None
    return columns_of_objects(columns, rows)
