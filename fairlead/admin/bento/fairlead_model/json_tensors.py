"""Tensors of the Open Inference Protocol whose elements are JSON values; null is missing."""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .model import Array
from .rows import Refused

BYTES = "BYTES"
DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    **{f"UINT{8 * size}": np.dtype(f"u{size}") for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": np.dtype(f"i{size}") for size in (1, 2, 4, 8)},
    "FP16": np.dtype("f2"),
    "BF16": np.dtype("f4"),
    "FP32": np.dtype("f4"),
    "FP64": np.dtype("f8"),
}
LARGEST = sys.float_info.max
EXACT = 2**53
"""Up to here every whole number is a float64."""
_NUMBERS = {float, int, bool, type(None)}


class Tensor(NamedTuple):
    """One input, flat: numbers, or objects of str (BYTES) and, where decoded, of what else the texts stood for."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Array
    decoded: bool = False


def tensor_of(index: int, given: object) -> Tensor:
    """Return the tensor of a request's input. Raises Refused naming it and what is wrong."""
    if not isinstance(given, dict):
        raise Refused(f"inputs[{index}] is no object; send name, shape, datatype and data")
    name, datatype = text_member(given.get("name"), f"inputs[{index}].name"), str(given.get("datatype", ""))
    shape = given.get("shape")
    if not isinstance(shape, list) or any(type(size) is not int for size in shape):
        raise bad_tensor(name, "shape is missing; send a list of whole numbers such as [1, 1]")
    parameters = parameters_of(given)
    if parameters.get("binary_data_size") is not None:
        raise bad_tensor(name, "binary tensors are not read here; send its data as JSON")
    data = given.get("data")
    if not isinstance(data, list):
        raise bad_tensor(name, "data is missing; send a list of values")
    while data and isinstance(data[0], list):
        data = [value for row in data for value in (row if isinstance(row, list) else [row])]
    array = _texts(name, data) if datatype == BYTES else _numbers(name, datatype, data)
    if math.prod(shape) != len(array) or any(size < 0 for size in shape):
        raise bad_tensor(name, f"shape {shape} asks for {math.prod(shape)} elements, but {len(array)} were sent")
    decode = _DECODERS.get(str(parameters.get("content_type"))) if datatype == BYTES else None
    if decode is not None:
        array = _decoded(name, str(parameters["content_type"]), decode, array)
    # With a content type that says nothing to us the texts are read as any others.
    return Tensor(name, datatype, tuple(shape), array, "content_type" in parameters)


def bad_tensor(name: str, message: str) -> Refused:
    """Return the refusal of one tensor."""
    return Refused(f"tensor '{name}': {message}")


def parameters_of(owner: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a request, an input or an output; none where it has none."""
    parameters = owner.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def text_member(value: Any, field: str) -> str:
    """Return a text, "" for null. Raises Refused for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"{field} is {value!r:.60}; a text is expected")
    return value


def _texts(name: str, data: list[Any]) -> Array:
    array = np.empty(len(data), dtype=object)
    for index, value in enumerate(data):
        if value is not None and not isinstance(value, str):
            raise bad_tensor(name, f"element {index} is {value!r:.60}; {BYTES} elements are texts or null")
        array[index] = value or ""
    return array


def _numbers(name: str, datatype: str, data: list[Any]) -> Array:
    dtype = DTYPES.get(datatype)
    if dtype is None:
        raise bad_tensor(
            name, f"datatype '{datatype}' is not read; send one of {', '.join(DTYPES)}, or {BYTES} for text"
        )
    data = [None if isinstance(value, str) and value == "" else value for value in data]
    for index, value in enumerate(data):
        if type(value) not in _NUMBERS:
            raise bad_tensor(name, f"element {index} is {value!r:.60}; {datatype} elements are numbers or null")
    if dtype.kind == "f":
        return _floats(name, data)
    return _booleans(name, data) if dtype.kind == "b" else _whole(name, datatype, dtype, data)


def _floats(name: str, data: list[Any]) -> Array:
    try:
        return np.array(data, dtype=np.float64)
    except OverflowError:
        index = next(index for index, value in enumerate(data) if type(value) is int and abs(value) > LARGEST)
        raise bad_tensor(
            name, f"element {index} is {data[index]!r:.60}, which is too large; numbers must be within +-1.8e308"
        ) from None


def _booleans(name: str, data: list[Any]) -> Array:
    for index, value in enumerate(data):
        if value is not None and value not in (0, 1):
            raise bad_tensor(name, f"element {index} is {value!r:.60}; BOOL elements are true, false or null")
    return _objects([None if value is None else bool(value) for value in data])


def _whole(name: str, datatype: str, dtype: np.dtype[Any], data: list[Any]) -> Array:
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    for index, value in enumerate(data):
        if value is not None and not (low <= value <= high and value == int(value)):
            raise bad_tensor(
                name,
                f"element {index} is {value!r:.60}; {datatype} elements are whole numbers from {low} to {high} or null",
            )
    if all(value is None or abs(value) <= EXACT for value in data):
        whole = None not in data
        return np.array([int(value) for value in data], dtype=dtype) if whole else np.array(data, dtype=np.float64)
    # As a text such a number keeps its last digits.
    return _objects([value if value is None else int(value) for value in data])


def _objects(values: list[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _decoded(name: str, content_type: str, decode: Callable[[str], Any], texts: Array) -> Array:
    values = []
    for index, text in enumerate(texts.tolist()):
        try:
            values.append(decode(text) if text else text)
        except (ValueError, binascii.Error) as error:
            raise bad_tensor(name, f"element {index} is not {content_type} ({error})") from None
    return _objects(values)


def _json_value(text: str) -> Any:
    value = json.loads(text)
    if isinstance(value, dict | list):
        raise ValueError("an object or a list is no value of a column")
    return value


# What texts stand for where a tensor says so, as MLServer's clients do.
_DECODERS: dict[str, Callable[[str], Any]] = {
    "pd_json": _json_value,
    "base64": lambda text: base64.b64decode(text, validate=True).decode(),
}
