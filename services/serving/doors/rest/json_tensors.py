"""Tensors whose elements are JSON values; null is missing."""

from __future__ import annotations

import struct
import sys
from types import NoneType
from typing import Any

import numpy as np

from ...domain.requests.columns import Array
from ...domain.requests.raw_tensors import numeric_dtype
from ...domain.requests.tensors import BYTES, DTYPES, Tensor, check_size, invalid_tensor

LARGEST = sys.float_info.max
EXACT = 2**53
"""Up to here every whole number is a float64."""
_NUMBERS = {float, int, bool, NoneType}
_RANGES = {
    datatype: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for datatype, dtype in DTYPES.items()
    if dtype.kind in "iu"
}
_CODES = {"FP16": "d", "BF16": "d", "FP32": "d", "FP64": "d"} | dict(
    zip(("INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64"), "bBhHiIqQ", strict=True)
)
"""How struct spells what a list of a datatype is read as; those of bytes are as long everywhere."""


def json_tensor(name: str, datatype: str, shape: list[int], data: Any) -> Tensor:
    """Return the tensor of a list of values, nested as its shape or flat. Raises InvalidArgument naming the element.

    Whole numbers stay exact, where some are missing too; booleans are bool.
    """
    if not isinstance(data, list):
        raise invalid_tensor(name, "data is missing; send a list of values, or binary_data_size and raw bytes")
    while data and isinstance(data[0], list):
        data = [value for row in data for value in (row if isinstance(row, list) else [row])]
    array = _texts(name, data) if datatype == BYTES else _numbers(name, datatype, data)
    check_size(name, shape, len(array))
    return Tensor(name, datatype, tuple(shape), array)


def _texts(name: str, data: list[Any]) -> Array:
    try:
        # Quicker than looking at each: texts alone can be joined.
        "".join(data)
        return np.fromiter(data, dtype=object, count=len(data))
    except TypeError:
        array = np.empty(len(data), dtype=object)
    for index, value in enumerate(data):
        if value is not None and not isinstance(value, str):
            raise invalid_tensor(name, f"element {index} is {value!r:.60}; {BYTES} elements are texts or null")
        array[index] = value or ""
    return array


def _numbers(name: str, datatype: str, data: list[Any]) -> Array:
    dtype = numeric_dtype(name, datatype)
    if data and datatype in _CODES:
        try:
            return _packed(datatype, data)
        except (struct.error, OverflowError):
            pass
    kinds = set(map(type, data))
    if str in kinds:
        data = [None if value == "" else value for value in data]
        kinds = set(map(type, data))
    if not kinds <= _NUMBERS:
        index = next(index for index, value in enumerate(data) if type(value) not in _NUMBERS)
        raise invalid_tensor(name, f"element {index} is {data[index]!r:.60}; {datatype} elements are numbers or null")
    if dtype.kind == "f":
        return _floats(name, data)
    if dtype.kind == "b":
        return _booleans(name, data, NoneType in kinds)
    return _whole(name, datatype, data, NoneType in kinds)


def _packed(datatype: str, data: list[Any]) -> Array:
    """Return numbers that are just of the datatype, read at once: many times quicker than looking at each.

    Raises struct.error or OverflowError where one is missing, of another kind, or too large.
    """
    code = _CODES[datatype]
    return np.frombuffer(struct.pack(f"<{len(data)}{code}", *data), np.float64 if code == "d" else DTYPES[datatype])


def _floats(name: str, data: list[Any]) -> Array:
    try:
        return np.array(data, dtype=np.float64)
    except OverflowError:
        index = next(index for index, value in enumerate(data) if type(value) is int and abs(value) > LARGEST)
        raise invalid_tensor(
            name, f"element {index} is {data[index]!r:.60}, which is too large; numbers must be within +-1.8e308"
        ) from None


def _booleans(name: str, data: list[Any], missing: bool) -> Array:
    for index, value in enumerate(data):
        if value is not None and value not in (0, 1):
            raise invalid_tensor(name, f"element {index} is {value!r:.60}; BOOL elements are true, false or null")
    if not missing:
        return np.array(data, dtype=np.bool_)
    array = np.empty(len(data), dtype=object)
    array[:] = [None if value is None else bool(value) for value in data]
    return array


def _whole(name: str, datatype: str, data: list[Any], missing: bool) -> Array:
    low, high = _RANGES[datatype]
    for index, value in enumerate(data):
        if value is not None and not (low <= value <= high and value == int(value)):
            raise invalid_tensor(
                name,
                f"element {index} is {value!r:.60}; {datatype} elements are whole numbers from {low} to {high} or null",
            )
    if not missing:
        return np.array([int(value) for value in data], dtype=DTYPES[datatype])
    if all(value is None or abs(value) <= EXACT for value in data):
        return np.array(data, dtype=np.float64)
    array = np.empty(len(data), dtype=object)
    array[:] = data
    return array
