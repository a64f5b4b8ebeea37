"""Arrow batches as a model's columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ...domain.columns import Array, Columns, columns_of
from ...domain.schema import Kind, Schema

MICROSECONDS = 1e6


def columns_of_batch(schema: Schema, batch: pa.RecordBatch) -> Columns:
    """Return the schema's columns of a batch of rows.

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
    type_ = values.type
    if pa.types.is_dictionary(type_):
        values, type_ = values.dictionary_decode(), type_.value_type
    if kind is not Kind.TEXT:
        if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
            return _epoch_seconds(values)
        if _is_number(type_):
            return _floats(values)
    return _objects(values)


def _is_number(type_: Any) -> bool:
    return bool(
        pa.types.is_integer(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_decimal(type_)
    )


def _floats(values: pa.Array) -> Array:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return _numpy(values.cast(pa.float64(), safe=False))


def _epoch_seconds(values: pa.Array) -> Array:
    instants = values.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    return _numpy(instants.cast(pa.float64(), safe=False)) / MICROSECONDS


def _numpy(values: pa.Array) -> Array:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _objects(values: pa.Array) -> Array:
    objects = np.empty(len(values), dtype=object)
    objects[:] = values.to_pylist()
    return objects
