"""Arrow columns as the arrays that training works on."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

InputKind = Literal["number", "text", "datetime", "boolean"]

# Numbers beyond this overflow the float32 that tree libraries work in; they count as missing, in training and serving.
LARGEST = 3e38


def kind_of(arrow_type: pa.DataType) -> InputKind:
    """How a model reads a column of this type; times of day and durations are numbers (of seconds)."""
    if pa.types.is_boolean(arrow_type):
        return "boolean"
    if pa.types.is_timestamp(arrow_type) or pa.types.is_date(arrow_type):
        return "datetime"
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    if any(test(arrow_type) for test in (*numeric, pa.types.is_time, pa.types.is_duration)):
        return "number"
    return "text"


def to_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """The column as float64 [n], NaN where missing, infinite or beyond LARGEST; instants as seconds since 1970 UTC."""
    kind, scale = column.type, 1.0
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        column, scale = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()), 1e-6
    elif pa.types.is_time(kind):
        column, scale = column.cast(pa.time64("us"), safe=False).cast(pa.int64()), 1e-6
    elif pa.types.is_duration(kind):
        column, scale = column.cast(pa.duration("us"), safe=False).cast(pa.int64()), 1e-6
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    values = np.array(pc.cast(column, pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    values[~(np.abs(values) <= LARGEST)] = np.nan
    return values if scale == 1.0 else np.round(values * scale, 6)


def to_texts(column: pa.ChunkedArray) -> NDArray[np.generic]:
    """The column as an object array [n] of str, "" where missing; equal values share one string."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_nested(kind):
        texts = ["" if value is None else str(value) for value in column.to_pylist()]
        return np.array([*texts, None], dtype=object)[:-1]
    encoded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
    values = np.array(["", *encoded.dictionary.to_pylist()], dtype=object)
    indices = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.asarray(values[indices + 1])
