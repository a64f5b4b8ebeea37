"""One row of the protocol's messages as it mostly comes, read without making a tensor of each value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from fairlead.api.inference.v2 import open_inference_pb2 as pb

from ...domain.requests.plain_row import PlainRow
from ...domain.requests.tensors import BYTES

Unpack = Callable[[bytes], tuple[Any, ...]]

_ONE = ([1, 1], [1])
_UNPACK: dict[str, Unpack] = {
    datatype: struct.Struct(form).unpack
    for datatype, form in (("FP64", "<d"), ("FP32", "<f"), ("INT64", "<q"), ("INT32", "<i"))
}
_LENGTH_BYTES = 4
MOST_FORMS = 1024


class _Form(NamedTuple):
    """How the tensors of a row are announced: their names, which are texts, and what reads each number."""

    names: tuple[str, ...]
    texts: tuple[bool, ...]
    unpack: tuple[Unpack | None, ...]


_FORMS: dict[tuple[bytes, ...], _Form] = {}
"""Forms by the bytes of their tensors, which a client sends alike with each row: to look at them takes much longer."""


def plain_row(request: pb.ModelInferRequest) -> PlainRow | None:
    """Return the row; None where anything is out of the ordinary, which tensors_of() reads or refuses."""
    inputs, raw = request.inputs, request.raw_input_contents
    if len(raw) != len(inputs):
        return None
    form = _FORMS.get(key := tuple([tensor.SerializeToString() for tensor in inputs]))
    if form is None:
        form = _form(request)
        if form is None:
            return None
        if len(_FORMS) >= MOST_FORMS:
            _FORMS.clear()
        _FORMS[key] = form
    values: list[str | float] = []
    keep = values.append
    try:
        for unpack, data in zip(form.unpack, raw, strict=True):
            if unpack is not None:
                keep(unpack(data)[0])
            elif int.from_bytes(data[:_LENGTH_BYTES], "little") == len(data) - _LENGTH_BYTES:
                keep(data[_LENGTH_BYTES:].decode())
            else:
                return None
    except (struct.error, UnicodeDecodeError):
        return None
    return PlainRow(form.names, form.texts, values)


def _form(request: pb.ModelInferRequest) -> _Form | None:
    names: list[str] = []
    unpack: list[Unpack | None] = []
    for tensor in request.inputs:
        if tensor.shape not in _ONE or tensor.HasField("contents"):
            return None
        if tensor.datatype == BYTES:
            if tensor.parameters:
                return None
            unpack.append(None)
        elif tensor.datatype in _UNPACK:
            unpack.append(_UNPACK[tensor.datatype])
        else:
            return None
        names.append(tensor.name)
    return _Form(tuple(names), tuple(each is None for each in unpack), tuple(unpack))
