"""Arrow batches as a model's columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ...domain.columns import Array, Columns, columns_of
from ...domain.schema import Kind, Schema

MICROSECOND = 1e-6


def columns_of_batch(schema: Schema, batch: pa.RecordBatch) -> Columns:
    """Return the schema's columns of a batch of rows.

    Stored types are read as in training: instants, times of day and durations as seconds, anything else that is not
    text as its usual spelling where the model reads text.
    Raises InvalidArgument naming a column that is absent or a value that can't be read.
    """
    present = set(batch.schema.names)
    given = {
        column.name: _array(column.kind, batch.column(column.name))
        for column in schema.inputs
        if column.name in present
    }
    return columns_of(schema, given)[0]


def _array(kind: Kind, values: pa.Array) -> Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    type_ = values.type
    if kind is Kind.TEXT:
        return _objects(values if pa.types.is_nested(type_) else values.cast(pa.large_string()))
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return _seconds(values.cast(pa.timestamp("us"), safe=False))
    if pa.types.is_time(type_):
        return _seconds(values.cast(pa.time64("us"), safe=False))
    if pa.types.is_duration(type_):
        return _seconds(values.cast(pa.duration("us"), safe=False))
    if pa.types.is_boolean(type_):
        values = values.cast(pa.int8())
    elif not (_is_number(type_) or pa.types.is_null(type_)):
        return _objects(values)
    return _floats(values)


def _is_number(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _floats(values: pa.Array) -> Array:
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _seconds(microseconds: pa.Array) -> Array:
    return np.round(_floats(microseconds.cast(pa.int64())) * MICROSECOND, 6)


def _objects(values: pa.Array) -> Array:
    objects = np.empty(len(values), dtype=object)
    objects[:] = values.to_pylist()
    return objects
