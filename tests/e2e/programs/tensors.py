"""Rows as numpy columns, as a user of the protocol would build them from the model's metadata."""

from __future__ import annotations

from typing import Any

import numpy as np


def column(name: str, datatype: str, rows: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    """Return one column of shape [n, 1]: bytes for BYTES, else numbers with NaN for what is missing."""
    values = [row.get(name) for row in rows]
    if datatype == "BYTES":
        return np.array([[("" if v is None else str(v)).encode()] for v in values], dtype=np.object_)
    return np.array([[np.nan if v is None else float(v)] for v in values], dtype=np.float64)
