from __future__ import annotations

import numpy as np
import pyarrow as pa

from services.trainer.adapters.package import reference_message
from services.trainer.domain.reference import capture_reference

from ..preparation.tables import adult, table


def test_numbers_are_cut_into_bins_of_about_equal_count() -> None:
    read = adult(5000)
    weights = next(column for column in capture_reference(read).columns if column.name == "fnlwgt")
    assert len(weights.edges) == 49
    assert list(weights.edges) == sorted(set(weights.edges))
    assert sum(weights.bin_counts) == 5000
    assert max(weights.bin_counts) < 2 * min(weights.bin_counts)
    assert len(weights.quantiles) == 1000
    assert (weights.quantiles[0], weights.quantiles[-1]) == (weights.min, weights.max)


def test_a_bin_holds_its_upper_edge() -> None:
    column = capture_reference(table({"x": pa.array([1, 1, 2, 3, 3, 3, None])}, ["p", "q"] * 3 + ["p"])).columns[0]
    assert column.edges == (1.0, 2.0)
    assert column.bin_counts == (2, 1, 3)
    assert (column.count, column.missing_count) == (7, 1)
    assert (column.min, column.max, column.mean) == (1.0, 3.0, 13 / 6)


def test_texts_keep_the_most_frequent_and_count_the_rest() -> None:
    words = [f"w{number:03}" for number in range(120)] + ["often", "often", None]
    column = capture_reference(table({"w": words}, ["p", "q", "p"] * 41)).columns[0]
    assert column.categories[0] == "often"
    assert (len(column.categories), column.category_counts[0], column.other_count) == (100, 2, 21)
    assert (column.count, column.missing_count) == (123, 1)
    assert column.other_missing_words == ()


def test_words_for_missing_that_are_values_are_named_however_rare_they_are() -> None:
    countries = [f"{a}{b}" for a in "ABCDEFGHIJK" for b in "ABCDEFGHIJ"] * 2 + ["NA", "null", "often"]
    column = capture_reference(table({"w": countries}, (["p", "q"] * 112)[: len(countries)])).columns[0]
    assert (len(column.categories), column.other_missing_words) == (100, ("NA", "null"))


def test_an_empty_column_has_one_empty_bin() -> None:
    column = capture_reference(table({"x": pa.nulls(4), "y": [1, 2, 3, 4]}, ["p", "q"] * 2)).columns[0]
    assert (column.edges, column.bin_counts, column.missing_count) == ((), (0,), 4)


def test_the_prediction_is_the_last_column() -> None:
    two = table({"x": [1, 2, 3]}, ["p", "q", "p"])
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    binary = capture_reference(two, scores).columns[-1]
    assert (binary.name, binary.is_prediction, binary.kind) == ("prediction", True, "number")
    assert (binary.min, binary.max) == (0.1, 0.6)
    three = table({"x": [1, 2, 3]}, ["p", "q", "r"])
    labels = capture_reference(three, np.eye(3)[[2, 2, 0]]).columns[-1]
    assert (labels.categories, labels.category_counts) == (("r", "p"), (2, 1))
    values = table({"x": [1, 2, 3]}, [0.5, 1.5, 2.5])
    assert capture_reference(values, np.array([0.6, 1.0, 2.0])).columns[-1].mean == 1.2


def test_the_contract_holds_what_was_captured() -> None:
    captured = capture_reference(adult(500), None)
    message = reference_message(captured)
    assert message.row_count == 500
    assert [column.name for column in message.columns] == [column.name for column in captured.columns]
    assert tuple(message.columns[0].bin_counts) == captured.columns[0].bin_counts
