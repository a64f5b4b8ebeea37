"""What the elements of a BYTES tensor stand for, where its parameter content_type says so, as MLServer's clients do."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from .columns import Array
from .tensors import invalid_tensor

CONTENT_TYPE = "content_type"


def decode_content(name: str, content_type: object, data: Array) -> Array:
    """Return the elements that texts stand for; those of another or no content type are what they are.

    pd_json: each a JSON value. base64: each a text in base 64. Raises InvalidArgument naming tensor and element.
    """
    decode = _DECODERS.get(content_type) if isinstance(content_type, str) else None
    if decode is None:
        return data
    decoded = np.empty(len(data), dtype=object)
    for index, text in enumerate(data.tolist()):
        try:
            decoded[index] = decode(text) if text else text
        except (ValueError, binascii.Error) as error:
            raise invalid_tensor(name, f"element {index} is not {content_type} ({error})") from None
    return decoded


def _base64(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


def _json(text: str) -> Any:
    value = json.loads(text)
    if isinstance(value, dict | list):
        raise ValueError("an object or a list is no value of a column")
    return value


_DECODERS: dict[str, Callable[[str], Any]] = {"pd_json": _json, "base64": _base64}
