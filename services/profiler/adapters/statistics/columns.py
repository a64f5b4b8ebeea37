"""Reads a Parquet table one column at a time, so that memory holds one column and a sample of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...domain.profiling.associations import SampledColumn, codes_of_numbers
from ...domain.profiling.model import ColumnProfile, Level
from ...domain.profiling.numbers import summarise_numbers
from ...domain.profiling.semantics import with_meaning

TYPES = {pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN", pa.string(): "VARCHAR"}
# Most frequent values that are kept, of texts and of numbers, and levels that a table of counts has.
_TEXT_LEVELS, _NUMBER_LEVELS, _CODED_LEVELS = 200, 20, 50
# Rows and cells that associations are computed from.
_SAMPLED_ROWS, _SAMPLED_CELLS = 25_000, 10_000_000


@dataclass(frozen=True)
class ReadColumn:
    """A column's profile and the sample of it that associations are computed from."""

    profile: ColumnProfile
    sample: SampledColumn


def read_columns(path: Path) -> Iterator[ReadColumn]:
    """Yield each column of a stored dataset version, in order."""
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    coded = pq.ParquetFile(path, read_dictionary=texts) if texts else file
    rows = sample_rows(file.metadata.num_rows, len(schema))
    for field in schema:
        if field.name in texts:
            yield _read_text(field.name, coded.read([field.name]).column(0), rows)
        else:
            yield _read_numbers(field, file.read([field.name]).column(0), rows)


def sample_rows(rows: int, columns: int) -> NDArray[np.int64]:
    """Return which rows associations are computed from: all, or a random sample that is the same at every call."""
    limit = max(100, min(_SAMPLED_ROWS, _SAMPLED_CELLS // max(columns, 1)))
    if rows <= limit:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, limit, replace=False))


def _read_numbers(field: pa.Field, data: pa.ChunkedArray, rows: NDArray[np.int64]) -> ReadColumn:
    stored = "TIMESTAMP" if pa.types.is_timestamp(field.type) else TYPES[field.type]
    values = _as_floats(data, field.type)
    present = values[~np.isnan(values)] if data.null_count else values
    summary = summarise_numbers(present, _NUMBER_LEVELS)
    levels = summary.levels
    if stored == "BOOLEAN":
        levels = tuple(Level("true" if level.value == "1" else "false", level.count) for level in levels)
    elif stored == "TIMESTAMP":
        levels = tuple(Level(_instant(level.value), level.count) for level in levels)
    profile = with_meaning(
        ColumnProfile(
            field.name, stored, int(present.size), int(data.null_count), summary.distinct,
            None if stored == "BOOLEAN" else summary.numbers, levels,
        )
    )  # fmt: skip
    sampled = values[rows]
    codes, count = codes_of_numbers(sampled, summary.distinct)
    return ReadColumn(profile, SampledColumn(sampled, codes, count, category=False))


def _as_floats(data: pa.ChunkedArray, type: pa.DataType) -> NDArray[np.float64]:
    """Return float64 values with NaN for missing; instants as seconds since 1970-01-01."""
    if pa.types.is_timestamp(type):
        unit = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[type.unit]
        return np.asarray(_as_floats(data.cast(pa.int64()), pa.int64()) / unit)
    floats = data.cast(pa.float64(), safe=False) if type != pa.bool_() else data.cast(pa.int8()).cast(pa.float64())
    return np.asarray(floats.to_numpy(), dtype=np.float64)


def _instant(seconds: str) -> str:
    return str(np.datetime64(round(float(seconds) * 1e3), "ms")).removesuffix(".000")


def _read_text(name: str, data: pa.ChunkedArray, rows: NDArray[np.int64]) -> ReadColumn:
    unified = data.unify_dictionaries().combine_chunks() if data.num_chunks else pa.array([]).dictionary_encode()
    if isinstance(unified, pa.ChunkedArray):
        unified = unified.chunk(0) if unified.num_chunks else pa.array([], pa.string()).dictionary_encode()
    dictionary = unified.dictionary
    indices = np.asarray(unified.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
    counts = np.bincount(indices + 1, minlength=len(dictionary) + 1)
    missing, counts = int(counts[0]), counts[1:]
    total = int(counts.sum())
    order = np.argsort(-counts, kind="stable")[:_TEXT_LEVELS]
    levels = tuple(Level(dictionary[int(i)].as_py(), int(counts[i])) for i in order if counts[i])
    mean_length, mean_words = _lengths(dictionary, counts, total)
    profile = with_meaning(
        ColumnProfile(
            name, "VARCHAR", total, missing, int(np.count_nonzero(counts)), None, levels, mean_length, mean_words
        )
    )
    return ReadColumn(profile, _coded(indices[rows], counts, order))


def _lengths(dictionary: pa.Array, counts: NDArray[np.int64], total: int) -> tuple[float, float]:
    if not total:
        return 0.0, 0.0
    lengths = np.asarray(pc.utf8_length(dictionary).to_numpy(zero_copy_only=False), dtype=np.float64)
    spaces = np.asarray(pc.count_substring(dictionary, " ").to_numpy(zero_copy_only=False), dtype=np.float64)
    return float(lengths @ counts) / total, float(spaces @ counts) / total + 1.0


def _coded(indices: NDArray[np.int64], counts: NDArray[np.int64], order: NDArray[np.int64]) -> SampledColumn:
    """Code the most frequent levels 1, 2, ... in their order, the rest as one more level, missing as 0."""
    kept = order[:_CODED_LEVELS]
    rest = len(kept) + 1
    mapping = np.full(counts.size + 1, rest, dtype=np.int64)
    mapping[0] = 0
    mapping[kept + 1] = np.arange(1, len(kept) + 1)
    levels = rest if np.count_nonzero(counts) > len(kept) else len(kept)
    return SampledColumn(None, mapping[indices + 1], levels, category=True)
