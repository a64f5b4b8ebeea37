"""A REST inference request: a JSON head, and tensors in it or, after it, as raw bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import from_json

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.columns import Array
from ...domain.raw_tensors import decode_raw, numeric_dtype
from ...domain.tensors import BYTES, Tensor, check_size, invalid_tensor

HEADER_LENGTH = b"inference-header-content-length"
LENGTH_DIGITS = 18
"""A length with more digits is none; Python refuses to read very long ones."""


@dataclass(frozen=True)
class RequestedOutput:
    """An output the client asked for; binary says whether as raw bytes."""

    name: str
    binary: bool


@dataclass(frozen=True)
class InferRequest:
    """A parsed request; without outputs every one is sent, as raw bytes if binary_default."""

    id: str
    tensors: list[Tensor]
    outputs: list[RequestedOutput]
    binary_default: bool


def parse_infer_request(body: bytes, header_length: bytes | None) -> InferRequest:
    """Return the request in a body; header_length is the header of that name, absent for plain JSON.

    Raises InvalidArgument naming the tensor or the member that is wrong.
    """
    length = _length(header_length, body)
    try:
        head = from_json(body if length == len(body) else body[:length])
    except ValueError as error:
        raise InvalidArgument(f"the request is not valid JSON: {error}") from None
    if not isinstance(head, dict):
        raise InvalidArgument('the request is no JSON object; send {"inputs": [...]}')
    inputs = head.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        message = 'a list of tensors is expected: {"name", "shape", "datatype", "data"}'
        raise InvalidArgument(f"inputs: {message}", violations=[FieldViolation("inputs", message)])
    binary_default = bool(_parameters(head).get("binary_data_output", False))
    return InferRequest(
        _text(head.get("id"), "id"),
        _tensors(inputs, memoryview(body)[length:]),
        _outputs(head.get("outputs"), binary_default),
        binary_default,
    )


def _length(header: bytes | None, body: bytes) -> int:
    if header is None:
        return len(body)
    if not header.isdigit() or len(header) > LENGTH_DIGITS or int(header) > len(body):
        raise InvalidArgument(
            f"the header Inference-Header-Content-Length is {header.decode('latin-1')!r}; "
            f"it must be the length of the JSON part, at most {len(body)}"
        )
    return int(header)


def _tensors(inputs: list[Any], binary: memoryview) -> list[Tensor]:
    tensors = []
    position = 0
    for index, given in enumerate(inputs):
        if not isinstance(given, dict):
            raise InvalidArgument(f"inputs[{index}] is no object; send name, shape, datatype and data")
        name, datatype = _text(given.get("name"), f"inputs[{index}].name"), given.get("datatype", "")
        shape = given.get("shape")
        if not isinstance(shape, list) or not all(type(size) is int for size in shape):
            raise invalid_tensor(name, "shape is missing; send a list of whole numbers such as [1, 1]")
        size = _parameters(given).get("binary_data_size")
        if size is None:
            tensors.append(_json_tensor(name, str(datatype), shape, given.get("data")))
            continue
        if not isinstance(size, int) or size < 0 or position + size > len(binary):
            raise invalid_tensor(
                name, f"binary_data_size is {size}, but {len(binary) - position} bytes follow the JSON part"
            )
        tensors.append(decode_raw(name, str(datatype), shape, binary[position : position + size]))
        position += size
    if position != len(binary):
        raise InvalidArgument(f"{len(binary) - position} bytes follow the JSON part that no tensor's size asks for")
    return tensors


def _json_tensor(name: str, datatype: str, shape: list[int], data: Any) -> Tensor:
    if not isinstance(data, list):
        raise invalid_tensor(name, "data is missing; send a list of values, or binary_data_size and raw bytes")
    while data and isinstance(data[0], list):
        data = [value for row in data for value in (row if isinstance(row, list) else [row])]
    array = _texts(name, data) if datatype == BYTES else _numbers(name, datatype, data)
    check_size(name, shape, len(array))
    return Tensor(name, datatype, tuple(shape), array)


def _texts(name: str, data: list[Any]) -> Array:
    array = np.empty(len(data), dtype=object)
    for index, value in enumerate(data):
        if value is not None and not isinstance(value, str):
            raise invalid_tensor(name, f"element {index} is {value!r:.60}; {BYTES} elements are texts or null")
        array[index] = value or ""
    return array


def _numbers(name: str, datatype: str, data: list[Any]) -> Array:
    numeric_dtype(name, datatype)
    array = np.empty(len(data), dtype=np.float64)
    for index, value in enumerate(data):
        if value is None or value == "":
            array[index] = np.nan
        elif isinstance(value, int | float):
            array[index] = _float(name, index, value)
        else:
            raise invalid_tensor(name, f"element {index} is {value!r:.60}; {datatype} elements are numbers or null")
    return array


def _float(name: str, index: int, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise invalid_tensor(
            name, f"element {index} is {value!r:.60}, which is too large; numbers must be within +-1.8e308"
        ) from None


def _outputs(outputs: Any, binary_default: bool) -> list[RequestedOutput]:
    if outputs is None:
        return []
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise InvalidArgument('outputs: a list of objects is expected, such as {"name": "predict"}')
    return [
        RequestedOutput(
            _text(output.get("name"), f"outputs[{index}].name"),
            bool(_parameters(output).get("binary_data", binary_default)),
        )
        for index, output in enumerate(outputs)
    ]


def _parameters(owner: dict[str, Any]) -> dict[str, Any]:
    parameters = owner.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidArgument(f"{field} is {value!r:.60}; a text is expected")
    return value
