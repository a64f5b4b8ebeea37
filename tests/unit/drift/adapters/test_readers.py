from __future__ import annotations

import numpy as np
import pytest

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import reference_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import InvalidArgument
from services.drift.adapters.prediction_reader import (
    check_batch,
    read_answers,
    read_inputs,
    read_packed,
    read_prediction,
    read_values,
)
from services.drift.adapters.reference_reader import parse_reference_json, read_reference
from services.drift.domain.reference import CategoryReference, NumberReference
from tests.unit.drift import events as made
from tests.unit.drift.capture import capture, capture_column, take
from tests.unit.drift.packed import packed

ROWS = made.sample(made.adult(), 200, seed=1)


def truth_reference(**fields: object) -> CategoryReference:
    column = reference_pb2.ReferenceColumn(name="x", kind=table_pb2.COLUMN_KIND_BOOLEAN, **fields)  # type: ignore[arg-type]
    (found,) = read_reference(reference_pb2.Reference(columns=[column])).columns
    assert isinstance(found, CategoryReference)
    return found


def test_truth_values_may_be_captured_as_categories_or_as_numbers() -> None:
    named = truth_reference(categories=["True", "False"], category_counts=[7, 3])
    numbered = truth_reference(edges=[0.0], bin_counts=[3, 7], mean=0.7)
    for found in (named, numbered):
        assert (found.categories, found.counts.tolist()) == (("false", "true"), [3, 7])


def test_truth_values_on_the_wire_are_zero_one_or_texts() -> None:
    reference = truth_reference(categories=["0", "1"], category_counts=[1, 1])
    numbers = made.column("x", np.array([0.0, 1.0, np.nan]))
    assert list(read_values(numbers, reference)) == ["false", "true", ""]
    assert list(read_values(made.text_column("x", ["False", "1", ""]), reference)) == ["false", "true", ""]


def test_instants_are_read_as_seconds_and_naive_ones_as_utc() -> None:
    message = capture_column("when", np.array([0.0, 1.0]))
    message.kind = table_pb2.COLUMN_KIND_DATETIME
    (reference,) = read_reference(reference_pb2.Reference(columns=[message])).columns
    texts = ["1970-01-01T00:01:00", "1970-01-01T01:00:00+01:00", "", "yesterday"]
    values = read_values(made.text_column("when", texts), reference)
    assert np.array_equal(np.asarray(values), [60.0, 0.0, np.nan, np.nan], equal_nan=True)


def test_numbers_may_come_as_texts_and_categories_as_numbers() -> None:
    number, text = read_reference(capture({"n": np.array([1.0, 2.0]), "t": ["1", "2"]})).columns
    assert list(read_values(made.text_column("n", ["1.5"]), number)) == [1.5]
    assert list(read_values(made.column("t", np.array([1.0, 2.5, np.nan])), text)) == ["1", "2.5", ""]


def test_a_binary_prediction_is_watched_by_its_score_and_labels_by_themselves() -> None:
    batch = made.batch(ROWS)
    by_score = read_reference(capture(ROWS, prediction="score"))
    assert np.allclose(np.asarray(read_prediction(batch, by_score), dtype=np.float64), np.asarray(ROWS["score"]))
    labels = list(batch.prediction.texts.values)
    by_label = read_reference(capture({"label": labels}, prediction="label"))
    assert list(read_prediction(batch, by_label)) == labels


def test_an_input_called_prediction_is_not_mixed_up_with_the_prediction() -> None:
    rows = take(ROWS, np.arange(10)) | {"prediction": ["input"] * 10}
    reference = read_reference(capture(rows, prediction="score"))
    batch = made.batch(rows)
    assert list(read_inputs(batch, reference)["prediction"]) == ["input"] * 10
    assert isinstance(reference.columns[-1], NumberReference)
    assert len(read_prediction(batch, reference)) == 10


def test_a_batch_that_contradicts_itself_is_refused() -> None:
    for spoil in ("rows", "column", "probabilities"):
        batch = made.batch(ROWS)
        if spoil == "rows":
            batch.requests.add(row_count=1)
        elif spoil == "column":
            batch.inputs[0].numbers.values.append(1.0)
        else:
            batch.probabilities.append(0.5)
        with pytest.raises(InvalidArgument):
            check_batch(batch)


def test_packed_columns_are_read_as_those_they_stand_for() -> None:
    batch = made.batch(ROWS)
    for watched in (read_reference(capture(ROWS, prediction="score")), read_reference(capture(ROWS))):
        plain, small = read_inputs(batch, watched), read_inputs(packed(batch), watched)
        assert plain.keys() == small.keys()
        assert all(list(plain[name]) == list(small[name]) for name in plain)
    assert read_answers(packed(batch)) == read_answers(batch)
    check_batch(packed(batch))


@pytest.mark.parametrize("texts", [["1.5", "", "x"], ["1970-01-01T00:01:00Z", ""]])
def test_packed_texts_may_be_numbers_and_instants(texts: list[str]) -> None:
    message = capture_column("when", np.array([0.0, 1.0]))
    message.kind = table_pb2.COLUMN_KIND_DATETIME if "T" in texts[0] else message.kind
    (reference,) = read_reference(reference_pb2.Reference(columns=[message])).columns
    plain = made.text_column("when", texts * 3)
    small = events_pb2.PackedColumn(name="when", texts=texts, places=bytes(range(len(texts))) * 3)
    assert np.array_equal(
        np.asarray(read_packed(small, reference)), np.asarray(read_values(plain, reference)), equal_nan=True
    )


@pytest.mark.parametrize("spoil", ["rows", "places", "numbers", "prediction"])
def test_packed_columns_that_contradict_the_batch_are_refused(spoil: str) -> None:
    batch = packed(made.batch(ROWS))
    texts = next(column for column in batch.packed_inputs if column.texts)
    if spoil == "rows":
        texts.places += b"\0"
    elif spoil == "places":
        texts.places = bytes([len(texts.texts)]) + texts.places[1:]
    elif spoil == "numbers":
        next(column for column in batch.packed_inputs if not column.texts).numbers.append(1.0)
    else:
        batch.packed_prediction.places = batch.packed_prediction.places[1:]
    with pytest.raises(InvalidArgument, match="column"):
        check_batch(batch)


def test_a_reference_that_makes_no_sense_is_refused_with_its_column() -> None:
    message = capture({"age": np.arange(100.0)})
    del message.columns[0].bin_counts[-1]
    with pytest.raises(InvalidArgument, match="age"):
        read_reference(message)
    with pytest.raises(InvalidArgument, match="can't be read"):
        parse_reference_json("{")
