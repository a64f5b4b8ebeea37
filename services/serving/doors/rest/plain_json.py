"""One row of JSON tensors as it mostly comes, read without making a tensor of each value."""

from __future__ import annotations

from math import nan
from typing import Any

from ...domain.requests.plain_row import PlainRow
from ...domain.requests.tensors import BYTES
from .json_tensors import EXACT

_ONE = ([1, 1], [1])
_FLOATS = frozenset(("FP64", "FP32"))
_MEMBERS = 4


def plain_row(inputs: list[Any]) -> PlainRow | None:
    """Return the row; None where anything is out of the ordinary, which json_tensor() reads or refuses."""
    names, texts, values = [], [], []
    try:
        for given in inputs:
            # Name, shape, datatype and data: with parameters there would be more.
            (value,) = given["data"]
            if len(given) != _MEMBERS or given["shape"] not in _ONE:
                return None
            datatype, kind = given["datatype"], type(value)
            if kind is str and datatype == BYTES:
                texts.append(True)
            elif (kind is float or (kind is int and -EXACT <= value <= EXACT)) and datatype in _FLOATS:
                texts.append(False)
            elif value is None and (datatype == BYTES or datatype in _FLOATS):
                texts.append(datatype == BYTES)
                value = "" if datatype == BYTES else nan
            else:
                return None
            names.append(given["name"])
            values.append(value)
    except (KeyError, TypeError, ValueError):
        return None
    return PlainRow(tuple(names), tuple(texts), values)
