"""Arrow columns of every type, as a model reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from services.serving.adapters.batch_prediction.model_columns import read_column, texts_of
from services.serving.domain.batch_prediction.values import missing_texts
from services.serving.domain.models.schema import InputColumn, Kind

NOON = datetime(1970, 1, 1, 12, tzinfo=UTC)
NO_WORDS = missing_texts([])


def column(kind: Kind) -> InputColumn:
    return InputColumn("c", kind, "c")


def chunked(*arrays: pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array([*arrays])


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (Kind.NUMBER, pa.array([39, None], pa.int64()), [39, np.nan]),
        (Kind.NUMBER, pa.array([Decimal("2.5"), None]), [2.5, np.nan]),
        (Kind.NUMBER, pa.array([time(0, 1, 0, 500000), None]), [60.5, np.nan]),
        (Kind.NUMBER, pa.array([timedelta(minutes=1), None]), [60.0, np.nan]),
        (Kind.NUMBER, pa.nulls(2), [np.nan, np.nan]),
        (Kind.NUMBER, pa.array(["39.5", ""]), [39.5, np.nan]),
        (Kind.DATETIME, pa.array([NOON, None], pa.timestamp("us", "UTC")), [43200, np.nan]),
        (Kind.DATETIME, pa.array([date(1970, 1, 2), None]), [86400, np.nan]),
        (Kind.DATETIME, pa.array(["1970-01-01T13:00+01:00", None]), [43200, np.nan]),
        (Kind.BOOLEAN, pa.array([True, None]), [1, np.nan]),
        (Kind.BOOLEAN, pa.array(["no", None]), [0, np.nan]),
    ],
)
def test_stored_types_are_read_as_numbers(kind: Kind, values: pa.Array, expected: list[float]) -> None:
    read = read_column(column(kind), chunked(values), None)
    np.testing.assert_array_equal(read.values, expected)
    assert len(read.bad) == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["Private", None, " a "]), ["Private", "", " a "]),
        (pa.array(["Private", None]).dictionary_encode(), ["Private", ""]),
        (pa.array([3, None], pa.int32()), ["3", ""]),
        (pa.array([True, None]), ["true", ""]),
        (pa.array([[1, 2], None]), ["[1, 2]", ""]),
        (pa.array([b"\xff", None]), ["ff", ""]),
    ],
)
def test_stored_types_are_read_as_texts(values: pa.Array, expected: list[str]) -> None:
    assert read_column(column(Kind.TEXT), chunked(values), None).values.tolist() == expected


def test_chunks_with_dictionaries_of_their_own_are_one_column() -> None:
    values = chunked(pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", None, "c"]).dictionary_encode())
    assert read_column(column(Kind.TEXT), values, None).values.tolist() == ["a", "b", "b", "", "c"]


def test_texts_of_a_text_file_are_trimmed_and_words_mean_missing() -> None:
    values = chunked(pa.array([" a ", "?", "NA", "b"]))
    assert read_column(column(Kind.TEXT), values, NO_WORDS).values.tolist() == ["a", "", "", "b"]
    known = missing_texts([("c", ["NA"])])
    assert read_column(column(Kind.TEXT), values, known).values.tolist() == ["a", "", "NA", "b"]
    assert read_column(column(Kind.TEXT), values, None).values.tolist() == [" a ", "?", "NA", "b"]


def test_cells_that_are_no_numbers_are_told_by_their_rows() -> None:
    read = read_column(column(Kind.NUMBER), chunked(pa.array(["1", "old", " 2 ", "-", None, "3_0"])), NO_WORDS)
    assert read.bad.tolist() == [1, 5]
    assert read.reason == "is not a number"
    np.testing.assert_array_equal(read.values[[0, 2, 3, 4]], [1, 2, np.nan, np.nan])


def test_no_rows_are_no_values() -> None:
    assert read_column(column(Kind.TEXT), pa.chunked_array([], pa.string()), NO_WORDS).values.tolist() == []
    assert read_column(column(Kind.NUMBER), pa.chunked_array([], pa.string()), NO_WORDS).values.tolist() == []


def test_anything_has_a_spelling() -> None:
    assert texts_of(pa.array([{"a": 1}])).to_pylist() == ['{"a": 1}']
    assert texts_of(pa.array([NOON])).to_pylist() == ["1970-01-01 12:00:00.000000Z"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([0.0, 1.7e12, None, np.inf]),
        pa.array([0, 1_700_000_000_000, None, -(10**12)]),
        pa.array([0, 10**12, None, -(10**12)], pa.timestamp("s")),
        pa.array(["1970-01-01", "9999-12-31T23:59:59-05:00", None, "0001-01-01T00:00:00+01:00"]),
    ],
)
def test_instants_that_are_refused_in_a_request_are_bad_in_a_file(values: pa.Array) -> None:
    read = read_column(column(Kind.DATETIME), chunked(values), None)
    assert read.bad.tolist() == [1, 3]
    assert "years 1 to 9999" in read.reason
    np.testing.assert_array_equal(np.asarray(read.values)[[0, 2]], [0.0, np.nan])
    assert read_column(column(Kind.NUMBER), chunked(pa.array([1.7e12, np.inf])), None).bad.tolist() == []
