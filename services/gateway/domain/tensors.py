"""Open Inference Protocol tensors: JSON data to flat values, raw bytes to values."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.kit.errors import FieldViolation, InvalidArgument


@dataclass(frozen=True)
class Datatype:
    """How the protocol names, stores and sends one kind of value."""

    name: str
    contents: str
    struct_code: str


DATATYPES = {
    datatype.name: datatype
    for datatype in (
        Datatype("BOOL", "bool_contents", "?"),
        Datatype("INT8", "int_contents", "b"),
        Datatype("INT16", "int_contents", "h"),
        Datatype("INT32", "int_contents", "i"),
        Datatype("INT64", "int64_contents", "q"),
        Datatype("UINT8", "uint_contents", "B"),
        Datatype("UINT16", "uint_contents", "H"),
        Datatype("UINT32", "uint_contents", "I"),
        Datatype("UINT64", "uint64_contents", "Q"),
        Datatype("FP32", "fp32_contents", "f"),
        Datatype("FP64", "fp64_contents", "d"),
        Datatype("BYTES", "bytes_contents", ""),
    )
}


def datatype_of(name: str, tensor: str) -> Datatype:
    """Return the datatype of that name. Raises InvalidArgument for one that JSON can't carry, naming the tensor."""
    if name not in DATATYPES:
        known = ", ".join(DATATYPES)
        raise InvalidArgument(
            f"tensor '{tensor}' has datatype '{name}'; JSON tensors can have {known}",
            violations=[FieldViolation(f"inputs.{tensor}.datatype", f"must be one of {known}")],
        )
    return DATATYPES[name]


def flat_values(data: Sequence[Any], shape: Sequence[int], datatype: Datatype, tensor: str) -> list[Any]:
    """Return a tensor's values, row-major, from nested or flat JSON; null is NaN in floats and "" in BYTES.

    Raises InvalidArgument that names the tensor where a value is of another type or the count is not the shape's.
    """
    values = [_value(value, datatype, tensor) for value in _flatten(data)]
    if len(values) != math.prod(shape):
        raise InvalidArgument(
            f"tensor '{tensor}' has {len(values)} values, but its shape {list(shape)} needs {math.prod(shape)}",
            violations=[FieldViolation(f"inputs.{tensor}.data", "the count of values must be that of the shape")],
        )
    return values


def json_values(values: Sequence[Any]) -> list[Any]:
    """Return a tensor's values as JSON can hold them: bytes as UTF-8 text, what is not finite as null."""
    return [_json_value(value) for value in values]


def raw_values(raw: bytes, datatype: Datatype) -> list[Any]:
    """Return the values of a raw little-endian tensor; BYTES elements carry their length in front."""
    if datatype.struct_code:
        return list(
            struct.unpack(f"<{len(raw) // struct.calcsize('<' + datatype.struct_code)}{datatype.struct_code}", raw)
        )
    values: list[bytes] = []
    start = 0
    while start < len(raw):
        (length,) = struct.unpack_from("<I", raw, start)
        values.append(raw[start + 4 : start + 4 + length])
        start += 4 + length
    return values


def _flatten(data: Sequence[Any]) -> Iterator[Any]:
    for value in data:
        if isinstance(value, list):
            yield from _flatten(value)
        else:
            yield value


def _value(value: Any, datatype: Datatype, tensor: str) -> Any:
    if datatype.name == "BYTES":
        if value is None or isinstance(value, str):
            return (value or "").encode()
    elif datatype.name == "BOOL":
        if isinstance(value, bool):
            return value
    elif datatype.name in ("FP32", "FP64"):
        if value is None:
            return math.nan
        if isinstance(value, int | float):
            return float(value)
    elif isinstance(value, int):
        return int(value)
    rule = f"{value!r} is no value of datatype {datatype.name}"
    raise InvalidArgument(f"tensor '{tensor}': {rule}", violations=[FieldViolation(f"inputs.{tensor}.data", rule)])


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return None if isinstance(value, float) and not math.isfinite(value) else value
