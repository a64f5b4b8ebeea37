"""A REST inference request: a JSON head, and tensors in it or, after it, as raw bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic_core import from_json

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.inference import AskedRow
from ...domain.requests.content_types import CONTENT_TYPE, decode_content
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.requests.options import PLAIN, PredictionOptions
from ...domain.requests.outputs import RequestedOutput
from ...domain.requests.parameters import options_of, timeout_of
from ...domain.requests.plain_row import PlainRow
from ...domain.requests.raw_tensors import decode_raw
from ...domain.requests.tensors import BYTES, Tensor, invalid_tensor
from .json_tensors import json_tensor
from .plain_json import plain_row

HEADER_LENGTH = b"inference-header-content-length"
LENGTH_DIGITS = 18
"""A length with more digits is none; Python refuses to read very long ones."""
_OF_A_ROW = {"id", "inputs"}
_NO_PARAMETERS: Mapping[str, Any] = {}


@dataclass(frozen=True)
class InferRequest:
    """A parsed request; without outputs every one is sent, as raw bytes if binary_default.

    inputs, binary: the tensors as they came. row: their values where they are one row in its plainest form.
    timeout: the seconds that its parameters give it; None for no limit.
    """

    id: str
    inputs: list[Any]
    binary: memoryview
    row: PlainRow | None
    outputs: list[RequestedOutput]
    binary_default: bool
    options: PredictionOptions = PLAIN
    timeout: float | None = None

    @cached_property
    def tensors(self) -> list[Tensor]:
        """Return the tensors. Raises InvalidArgument naming the one that is wrong."""
        return _tensors(self.inputs, self.binary)


def parse_infer_request(body: bytes, header_length: bytes | None, limits: RequestLimits = LIMITS) -> InferRequest:
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
    if len(body) > limits.elements:
        # An element takes a byte at least, so that smaller bodies need no counting.
        limits.check_elements(_declared_elements(inputs))
    parameters = _parameters(head)
    binary_default = bool(parameters and parameters.get("binary_data_output", False))
    request = InferRequest(
        _text(head.get("id"), "id"),
        inputs,
        memoryview(body)[length:],
        plain_row(inputs) if length == len(body) else None,
        _outputs(head.get("outputs"), binary_default),
        binary_default,
        options_of(parameters) if parameters else PLAIN,
        timeout_of(parameters) if parameters else None,
    )
    if request.row is None:
        _ = request.tensors  # What is wrong with them is told now.
    return request


def parse_asked_row(body: bytes) -> AskedRow | None:
    """Return the row that a body without binary data is; None where it is, or asks for, anything else."""
    try:
        head = from_json(body)
    except ValueError:
        return None
    if type(head) is not dict or not head.keys() <= _OF_A_ROW:
        return None
    inputs, name = head.get("inputs"), head.get("id", "")
    if type(inputs) is not list or type(name) is not str or not inputs:
        return None
    row = plain_row(inputs)
    return None if row is None else AskedRow(row, name)


def _length(header: bytes | None, body: bytes) -> int:
    if header is None:
        return len(body)
    if not header.isdigit() or len(header) > LENGTH_DIGITS or int(header) > len(body):
        raise InvalidArgument(
            f"the header Inference-Header-Content-Length is {header.decode('latin-1')!r}; "
            f"it must be the length of the JSON part, at most {len(body)}"
        )
    return int(header)


def _declared_elements(inputs: list[Any]) -> int:
    shapes = (given.get("shape") for given in inputs if isinstance(given, dict))
    return sum(math.prod(shape) for shape in shapes if isinstance(shape, list) and _is_shape(shape))


def _is_shape(shape: list[Any]) -> bool:
    return all(type(size) is int for size in shape)


def _tensors(inputs: list[Any], binary: memoryview) -> list[Tensor]:
    tensors = []
    position = 0
    for index, given in enumerate(inputs):
        if not isinstance(given, dict):
            raise InvalidArgument(f"inputs[{index}] is no object; send name, shape, datatype and data")
        name, datatype = _text(given.get("name"), f"inputs[{index}].name"), str(given.get("datatype", ""))
        shape = given.get("shape")
        if not isinstance(shape, list) or not _is_shape(shape):
            raise invalid_tensor(name, "shape is missing; send a list of whole numbers such as [1, 1]")
        parameters = _parameters(given)
        size = parameters.get("binary_data_size")
        if size is None:
            tensor = json_tensor(name, datatype, shape, given.get("data"))
        else:
            if type(size) is not int or size < 0 or position + size > len(binary):
                raise invalid_tensor(
                    name, f"binary_data_size is {size!r:.60}, but {len(binary) - position} bytes follow the JSON part"
                )
            tensor = decode_raw(name, datatype, shape, binary[position : position + size])
            position += size
        if datatype == BYTES and CONTENT_TYPE in parameters:
            data = decode_content(name, parameters[CONTENT_TYPE], tensor.data)
            tensor = tensor._replace(data=data, decoded=True)
        tensors.append(tensor)
    if position != len(binary):
        raise InvalidArgument(f"{len(binary) - position} bytes follow the JSON part that no tensor's size asks for")
    return tensors


def _outputs(outputs: Any, binary_default: bool) -> list[RequestedOutput]:
    if outputs is None:
        return []
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise InvalidArgument('outputs: a list of objects is expected, such as {"name": "predict"}')
    return [_output(output, f"outputs[{index}]", binary_default) for index, output in enumerate(outputs)]


def _output(output: dict[str, Any], field: str, binary_default: bool) -> RequestedOutput:
    parameters = _parameters(output)
    top = parameters.get("classification", 0)
    if type(top) is not int or top < 0:
        raise InvalidArgument(f"{field}: classification is {top!r:.60}; a whole number of classes is expected")
    return RequestedOutput(
        _text(output.get("name"), f"{field}.name"), top, bool(parameters.get("binary_data", binary_default))
    )


def _parameters(owner: dict[str, Any]) -> Mapping[str, Any]:
    parameters = owner.get("parameters")
    return parameters if isinstance(parameters, dict) else _NO_PARAMETERS


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidArgument(f"{field} is {value!r:.60}; a text is expected")
    return value
