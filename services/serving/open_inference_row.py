"""One row of the protocol's messages as it mostly comes, read without making a tensor of each value."""

from __future__ import annotations

import struct

from fairlead.api.inference.v2 import open_inference_pb2 as pb

from .domain.plain_row import PlainRow
from .domain.tensors import BYTES

_ONE = ([1, 1], [1])
_NUMBERS = {
    datatype: (struct.calcsize(form), struct.Struct(form).unpack)
    for datatype, form in (("FP64", "<d"), ("FP32", "<f"), ("INT64", "<q"), ("INT32", "<i"))
}
_LENGTH_BYTES = 4


def plain_row(request: pb.ModelInferRequest) -> PlainRow | None:
    """Return the row; None where anything is out of the ordinary, which tensors_of() reads or refuses."""
    inputs, raw = request.inputs, request.raw_input_contents
    if len(raw) != len(inputs):
        return None
    names: list[str] = []
    texts: list[bool] = []
    values: list[str | float] = []
    try:
        for tensor, data in zip(inputs, raw, strict=True):
            if tensor.shape not in _ONE or tensor.HasField("contents"):
                return None
            datatype = tensor.datatype
            if datatype == BYTES:
                if int.from_bytes(data[:_LENGTH_BYTES], "little") != len(data) - _LENGTH_BYTES or tensor.parameters:
                    return None
                values.append(data[_LENGTH_BYTES:].decode())
                texts.append(True)
            else:
                size, unpack = _NUMBERS[datatype]
                if size != len(data):
                    return None
                values.append(unpack(data)[0])
                texts.append(False)
            names.append(tensor.name)
    except (KeyError, UnicodeDecodeError):
        return None
    return PlainRow(tuple(names), tuple(texts), values)
