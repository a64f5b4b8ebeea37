"""Tensors of the Open Inference Protocol, turned into a model's columns.

Three shapes of request are read:
A. one tensor per column, named like it, of shape [n] or [n, 1];
B. one numeric matrix [n, k] in the order of the model's inputs, where none of them is text;
C. one BYTES tensor of n JSON objects, a row each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..models.schema import Kind, Schema
from .columns import Array, Columns, columns_of
from .rows import columns_of_rows

BYTES = "BYTES"
DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "BF16": np.dtype("<f4"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""The numeric datatypes read, as little-endian NumPy types; BF16, which NumPy lacks, as FP32, whose half it is."""


class Tensor(NamedTuple):
    """One input: data is flat, numeric or (BYTES) objects of str, and has as many elements as the shape says.

    decoded: whether the texts stood for other values, so that the objects are any of str, bool, int, float and None.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Array
    decoded: bool = False


def columns_of_tensors(schema: Schema, tensors: Sequence[Tensor]) -> tuple[Columns, int]:
    """Return the schema's columns and the number of rows.

    Raises InvalidArgument naming the tensor and what was expected.
    """
    if len(tensors) == 1 and not _is_single_column(schema, tensors[0]):
        only = tensors[0]
        return _from_json_rows(schema, only) if only.datatype == BYTES else _from_matrix(schema, only)
    given: dict[str, Array] = {}
    by_name = schema.by_name
    for tensor in tensors:
        if tensor.name not in by_name:
            raise invalid_tensor(
                tensor.name, f"the model has no input of this name; it reads {', '.join(by_name) or 'nothing'}"
            )
        if tensor.name in given:
            raise invalid_tensor(tensor.name, "it was sent twice; send each input once")
        if len(tensor.shape) != 1 and not (len(tensor.shape) == 2 and tensor.shape[1] == 1):
            raise invalid_tensor(tensor.name, f"shape {list(tensor.shape)} was sent; expected [n] or [n, 1]")
        given[tensor.name] = tensor.data
    texts = {tensor.name for tensor in tensors if tensor.datatype == BYTES and not tensor.decoded}
    return columns_of(schema, given, texts)


def invalid_tensor(name: str, message: str) -> InvalidArgument:
    """Return the error of one bad tensor."""
    return InvalidArgument(f"tensor '{name}': {message}", violations=[FieldViolation(name, message)])


def check_size(name: str, shape: Sequence[int], elements: int) -> None:
    """Raise InvalidArgument where a tensor's elements are not as many as its shape says."""
    expected = math.prod(shape)
    if expected != elements or any(size < 0 for size in shape):
        raise invalid_tensor(name, f"shape {list(shape)} asks for {expected} elements, but {elements} were sent")


def _is_single_column(schema: Schema, tensor: Tensor) -> bool:
    return tensor.name in schema.by_name and (len(tensor.shape) == 1 or tensor.shape[1:] == (1,))


def _from_matrix(schema: Schema, tensor: Tensor) -> tuple[Columns, int]:
    names = list(schema.by_name)
    if not schema.all_numeric:
        texts = [column.name for column in schema.inputs if column.kind is Kind.TEXT]
        raise invalid_tensor(
            tensor.name,
            f"one numeric tensor can't carry this model's text inputs ({', '.join(texts)}); "
            "send one tensor per column, or one BYTES tensor of JSON rows",
        )
    if len(tensor.shape) != 2 or tensor.shape[1] != len(names):
        raise invalid_tensor(
            tensor.name,
            f"shape {list(tensor.shape)} was sent; expected [n, {len(names)}], with the columns {', '.join(names)}",
        )
    matrix = tensor.data.reshape(tensor.shape).astype(np.float64, copy=False)
    return columns_of(schema, {name: np.ascontiguousarray(matrix[:, i]) for i, name in enumerate(names)})


def _from_json_rows(schema: Schema, tensor: Tensor) -> tuple[Columns, int]:
    rows = []
    for number, text in enumerate(tensor.data.tolist()):
        try:
            rows.append(json.loads(text))
        except (ValueError, TypeError) as error:
            raise invalid_tensor(
                tensor.name,
                f"element {number} is not a JSON object ({error}); the model reads one tensor per column "
                f"({', '.join(schema.by_name)}) or one BYTES tensor of JSON rows",
            ) from None
    return columns_of_rows(schema, rows)
