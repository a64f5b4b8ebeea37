"""The lines of a text as an Arrow column; the text itself is not copied."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_OPENS, _CLOSES = b"{}"


def lines_of(text: bytes) -> pa.Array:
    """Return the lines that are not empty, without their line breaks. Raises ArrowInvalid where they are no UTF-8."""
    breaks = np.flatnonzero(np.frombuffer(text, np.uint8) == 0x0A)
    starts = np.concatenate(([0], breaks + 1))
    bounds = starts if starts[-1] == len(text) else np.append(starts, len(text))
    buffers = [None, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(text)]
    lines = pc.ascii_rtrim(pa.Array.from_buffers(pa.binary(), len(bounds) - 1, buffers).cast(pa.string()), "\r\n")
    lengths = pc.binary_length(lines)
    return lines if len(lines) == 0 or pc.min(lengths).as_py() else lines.filter(pc.greater(lengths, 0))


def are_objects(lines: pa.Array) -> bool:
    """Return whether each line begins with a brace and ends with one, with nothing around them.

    Valid JSON whose lines are all so has an object or more in each: none goes on over a line's end.
    """
    _, offsets, data = lines.buffers()
    if data is None or not len(lines):
        return False
    bounds = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    signs = np.frombuffer(data, np.uint8)
    if (np.diff(bounds) == 0).any():
        return False
    return bool((signs[bounds[:-1]] == _OPENS).all() and (signs[bounds[1:] - 1] == _CLOSES).all())


def holds_any(texts: pa.Array, signs: tuple[bytes, ...]) -> bool:
    """Return whether any of the texts has one of these signs, by one look at all of them."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return False
    bounds = np.frombuffer(offsets, np.int32)
    first, last = int(bounds[texts.offset]), int(bounds[texts.offset + len(texts)])
    held = data.slice(first, last - first).to_pybytes()
    return any(sign in held for sign in signs)
