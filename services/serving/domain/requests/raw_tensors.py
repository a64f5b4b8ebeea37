"""Tensors as raw bytes: little-endian in row-major order; a BYTES element is 4 bytes of length and its bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from .columns import Array
from .outputs import OutputTensor
from .tensors import BYTES, DTYPES, Tensor, check_size, invalid_tensor

_LENGTH = struct.Struct("<I")
_BF16_HALVES = np.dtype("<u2")


def decode_raw(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """Return the tensor that raw bytes hold. Raises InvalidArgument naming the tensor and what is wrong."""
    data = _decode_texts(name, raw) if datatype == BYTES else _decode_numbers(name, datatype, raw)
    sizes = tuple(shape)
    check_size(name, sizes, len(data))
    return Tensor(name, datatype, sizes, data)


def _decode_numbers(name: str, datatype: str, raw: bytes | memoryview) -> Array:
    dtype = numeric_dtype(name, datatype)
    sent = _BF16_HALVES if datatype == "BF16" else dtype
    if len(raw) % sent.itemsize:
        raise invalid_tensor(name, f"{len(raw)} bytes are no whole number of {datatype} elements")
    data = np.frombuffer(raw, sent)
    if sent is dtype:
        return data
    return (data.astype("<u4") << 16).view(dtype)


def encode_raw(tensor: OutputTensor) -> bytes:
    """Return an output as raw bytes."""
    if isinstance(tensor.data, list):
        return encode_texts(tensor.data)
    return tensor.data.tobytes()


def encode_texts(texts: Sequence[str]) -> bytes:
    """Return texts as the raw bytes of BYTES elements."""
    return b"".join([_LENGTH.pack(len(text)) + text for text in (text.encode() for text in texts)])


def numeric_dtype(name: str, datatype: str) -> np.dtype[Any]:
    """Return the NumPy type of a numeric datatype. Raises InvalidArgument for one that is not read."""
    dtype = DTYPES.get(datatype)
    if dtype is None:
        raise invalid_tensor(
            name, f"datatype '{datatype}' is not read; send one of {', '.join(DTYPES)}, or {BYTES} for text"
        )
    return dtype


def text_array(name: str, elements: Sequence[bytes]) -> Array:
    """Return BYTES elements as str objects. Raises InvalidArgument where one is not UTF-8."""
    data = np.empty(len(elements), dtype=object)
    try:
        for index, element in enumerate(elements):
            data[index] = element.decode()
    except UnicodeDecodeError as error:
        raise invalid_tensor(name, f"an element is not UTF-8 text ({error})") from None
    return data


def _decode_texts(name: str, raw: bytes | memoryview) -> Array:
    data = bytes(raw)
    # Decoded once where bytes and characters are the same, the lengths with them.
    whole = data.decode("ascii") if data.isascii() else None
    source: str | bytes = data if whole is None else whole
    elements = []
    position, start, end, length_at = 0, 0, len(data), _LENGTH.unpack_from
    try:
        while position < end:
            (length,) = length_at(data, position)
            start = position + _LENGTH.size
            position = start + length
            elements.append(source[start:position])
    except struct.error:
        message = "the bytes end within an element's length; each has 4 bytes of length first"
        raise invalid_tensor(name, message) from None
    if position > end:
        message = f"an element of {position - start} bytes is cut short; each has 4 bytes of length first"
        raise invalid_tensor(name, message)
    if whole is None:
        return text_array(name, cast(list[bytes], elements))
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return array
