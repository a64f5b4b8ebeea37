"""Arrow columns as the arrays that a model reads, and the cells that it can't."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...domain.batch_prediction.values import NOT_A, MissingTexts, number_of
from ...domain.models.schema import InputColumn, Kind
from ...domain.requests.columns import Array
from ...domain.requests.datetimes import outside_years

MICROSECOND = 1e-6


@dataclass(frozen=True)
class ColumnRead:
    """A column as a model reads it, the rows whose cells can't be read so, rising, and why."""

    values: Array
    bad: Array
    reason: str = ""


NONE_BAD = np.empty(0, np.int64)


def read_column(column: InputColumn, values: pa.ChunkedArray, missing: MissingTexts | None) -> ColumnRead:
    """Return a column for the model: float64 with NaN for missing, or str objects with "" for missing.

    Stored types are read as in training: instants, times of day and durations as seconds, anything else that is not
    text as its usual spelling where the model reads text. With `missing` given, the texts come from a text file, where
    words mean missing and spaces around a text mean nothing.
    """
    array = _one(values)
    if column.kind is Kind.TEXT:
        words = missing.words(column.name) if missing else frozenset[str]()
        return ColumnRead(_texts(array, _trimmed(words) if missing else _same), NONE_BAD)
    read = _numbers(column.kind, array)
    if column.kind is Kind.DATETIME and (outside := outside_years(read.values)).any():
        # Refused as where rows are sent: such a number is one of another unit.
        return ColumnRead(read.values, np.union1d(read.bad, np.flatnonzero(outside)), NOT_A[column.kind])
    return read


def texts_of(array: pa.Array) -> pa.Array:
    """Return any array as texts in their usual spelling: nested values as JSON, other bytes as hexadecimal."""
    type_ = array.type
    if pa.types.is_string(type_) or pa.types.is_dictionary(type_):
        return array.cast(pa.string()) if pa.types.is_dictionary(type_) else array
    if pa.types.is_nested(type_):
        return pa.array([None if item is None else json.dumps(item, default=str) for item in array.to_pylist()])
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if item is None else item.hex() for item in array.to_pylist()])


def _one(values: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
    return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)


def _texts(array: pa.Array, spelled: Callable[[str], str]) -> Array:
    """Return str objects; equal texts share one object, so a cell costs a pointer."""
    encoded = array if pa.types.is_dictionary(array.type) else texts_of(array).dictionary_encode()
    words = [spelled(word) if word is not None else "" for word in texts_of(encoded.dictionary).to_pylist()]
    objects = np.array([*words, "", None], dtype=object)[:-1]
    return np.asarray(objects[_places(encoded, len(words))])


def _numbers(kind: Kind, array: pa.Array) -> ColumnRead:
    type_ = array.type
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return ColumnRead(_seconds(array.cast(pa.timestamp("us"), safe=False)), NONE_BAD)
    if pa.types.is_time(type_):
        return ColumnRead(_seconds(array.cast(pa.time64("us"), safe=False)), NONE_BAD)
    if pa.types.is_duration(type_):
        return ColumnRead(_seconds(array.cast(pa.duration("us"), safe=False)), NONE_BAD)
    if pa.types.is_boolean(type_):
        return ColumnRead(_floats(array.cast(pa.int8())), NONE_BAD)
    if _is_number(type_) or pa.types.is_null(type_):
        return ColumnRead(_floats(array), NONE_BAD)
    return _parsed(kind, array)


def _parsed(kind: Kind, array: pa.Array) -> ColumnRead:
    encoded = array
    if not pa.types.is_dictionary(array.type):
        texts = texts_of(array)
        if kind is Kind.NUMBER:
            try:
                return ColumnRead(_floats(texts), NONE_BAD)
            except pa.ArrowInvalid:
                pass  # some cells are missing words, have spaces, or are no numbers: each text is looked at once
        encoded = texts.dictionary_encode()
    words = texts_of(encoded.dictionary).to_pylist()
    numbers = np.full(len(words) + 1, np.nan)
    bad = np.zeros(len(words) + 1, bool)
    for place, word in enumerate(words):
        try:
            numbers[place] = number_of(kind, word or "")
        except (ValueError, OverflowError):
            bad[place] = True
    places = _places(encoded, len(words))
    return ColumnRead(numbers[places], np.flatnonzero(bad[places]), NOT_A[kind])


def _places(encoded: pa.DictionaryArray, null: int) -> Array:
    return np.asarray(pc.fill_null(encoded.indices.cast(pa.int64()), null).to_numpy(zero_copy_only=False))


def _same(word: str) -> str:
    return word


def _trimmed(missing: frozenset[str]) -> Callable[[str], str]:
    def trimmed(word: str) -> str:
        text = word.strip()
        return "" if text in missing else text

    return trimmed


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _floats(values: pa.Array) -> Array:
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _seconds(microseconds: pa.Array) -> Array:
    return np.round(_floats(microseconds.cast(pa.int64())) * MICROSECOND, 6)
