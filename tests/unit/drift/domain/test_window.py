from __future__ import annotations

import numpy as np
import pytest

from services.drift.adapters.reference_reader import read_reference
from services.drift.adapters.state_json import dump_watch, load_watch
from services.drift.domain.reference import CategoryReference, NumberReference
from services.drift.domain.watch import Watch
from services.drift.domain.window import (
    CategorySketch,
    NumberSketch,
    empty_window,
    sketch_numbers,
    sketch_rows,
    sketch_texts,
)
from tests.unit.drift.capture import capture, read_table, take

ADULT = take(read_table("adult/adult.csv"), np.arange(3000))
REFERENCE = read_reference(capture(ADULT))


def number_reference(values: list[float]) -> NumberReference:
    (column,) = read_reference(capture({"x": np.array(values)})).columns
    assert isinstance(column, NumberReference)
    return column


def test_the_reference_sketched_in_itself_has_the_references_counts() -> None:
    window = sketch_rows(REFERENCE, ADULT, [], 3000)
    for column, sketch in zip(REFERENCE.columns, window.sketches, strict=True):
        if isinstance(column, NumberReference):
            assert isinstance(sketch, NumberSketch)
            assert sketch.bin_counts.tolist() == column.bin_counts.tolist()
            assert sketch.mean == pytest.approx(column.mean) and sketch.stddev == pytest.approx(column.stddev)
            assert (sketch.minimum, sketch.maximum) == (column.minimum, column.maximum)
        else:
            assert isinstance(sketch, CategorySketch)
            assert sketch.counts.tolist() == column.counts.tolist()
            assert (sketch.other, sketch.missing) == (column.other, column.missing)


def test_merged_parts_are_the_sketch_of_all_rows() -> None:
    whole = sketch_rows(REFERENCE, ADULT, [], 3000)
    merged = empty_window(REFERENCE)
    for start in range(0, 3000, 7):
        index = np.arange(start, min(start + 7, 3000))
        merged = merged.merge(sketch_rows(REFERENCE, take(ADULT, index), [], len(index)))
    assert merged.rows == whole.rows
    for one, other in zip(merged.sketches, whole.sketches, strict=True):
        if isinstance(one, NumberSketch):
            assert isinstance(other, NumberSketch)
            assert one.bin_counts.tolist() == other.bin_counts.tolist()
            assert one.stddev == pytest.approx(other.stddev) and one.mean == pytest.approx(other.mean)
            assert (one.minimum, one.maximum) == (other.minimum, other.maximum)
        else:
            assert isinstance(other, CategorySketch)
            assert one.counts.tolist() == other.counts.tolist()


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    column = number_reference([1.0] * 100 + [2.0] * 100 + [3.0] * 100)
    assert column.edges.tolist() == [1, 2]
    assert sketch_numbers(column, np.array([1.0, 2.0, 2.5, 99.0])).bin_counts.tolist() == [1, 1, 2]


def test_what_is_not_a_finite_number_is_missing() -> None:
    sketch = sketch_numbers(number_reference([1, 2, 3]), np.array([np.nan, np.inf, -np.inf, 2.0]))
    assert (sketch.missing, sketch.count) == (3, 1)


def test_leaving_the_only_value_of_a_constant_column_shows() -> None:
    column = number_reference([5, 5, 5])
    assert sketch_numbers(column, np.array([4.0, 5.0, 5.0, 6.0])).bin_counts.tolist() == [1, 2, 1]


def test_texts_are_counted_as_known_other_and_missing_and_others_are_remembered_by_name() -> None:
    column = CategoryReference("x", 0, ("a", "b"), np.array([2, 1]), 0)
    sketch = sketch_texts(column, ["a", "b", "b", "new", "", "new", "newer"])
    assert sketch.counts.tolist() == [1, 2]
    assert (sketch.other, sketch.missing, dict(sketch.other_names)) == (3, 1, {"new": 2, "newer": 1})


def test_names_of_others_are_bounded() -> None:
    column = CategoryReference("x", 0, ("a",), np.array([1]), 0)
    first = sketch_texts(column, [f"value {i}" for i in range(1000)])
    second = sketch_texts(column, [f"value {i}" for i in range(1000, 2000)])
    assert first.merge(second).other == 2000
    assert len(first.merge(second).other_names) == 20


def test_an_input_that_did_not_come_is_missing_throughout() -> None:
    window = sketch_rows(REFERENCE, {}, [], 12)
    assert {sketch.missing for sketch in window.sketches} == {12}


def test_the_size_of_a_window_does_not_grow_with_its_rows() -> None:
    small = sketch_rows(REFERENCE, take(ADULT, np.arange(100)), [], 100)
    large = sketch_rows(REFERENCE, ADULT, [], 3000)
    assert len(dump_watch(Watch(large))) < 2 * len(dump_watch(Watch(small)))


def test_a_watch_comes_back_from_the_database_as_it_was() -> None:
    for window in (empty_window(REFERENCE), sketch_rows(REFERENCE, ADULT, [], 3000)):
        text = dump_watch(Watch(window))
        assert dump_watch(load_watch(text)) == text


def test_windows_of_different_references_are_not_merged() -> None:
    numbers = read_reference(capture({"x": np.array([1.0, 2.0])}))
    texts = read_reference(capture({"x": ["a", "b"]}))
    with pytest.raises(ValueError, match="different references"):
        empty_window(numbers).merge(empty_window(texts))
