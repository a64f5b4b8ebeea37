"""Contributions, intervals and sets of labels as one object a row."""

from __future__ import annotations

from services.gateway.domain.predictions import base, contributions, label_sets, ranges

COLUMNS = ["age", "hours"]


def test_one_contribution_a_column_for_a_number_and_for_two_classes() -> None:
    wanted = [{"age": 1.0, "hours": 2.0}, {"age": 3.0, "hours": 4.0}]

    assert contributions(COLUMNS, [1.0, 2.0, 3.0, 4.0], [], 2) == wanted
    assert contributions(COLUMNS, [1.0, 2.0, 3.0, 4.0], ["no", "yes"], 2) == wanted
    assert base([0.5], ["no", "yes"]) == 0.5


def test_one_object_a_class_for_more_than_two() -> None:
    told = contributions(COLUMNS, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] * 2, ["a", "b", "c"], 2)

    each = {"a": {"age": 1.0, "hours": 2.0}, "b": {"age": 3.0, "hours": 4.0}, "c": {"age": 5.0, "hours": 6.0}}
    assert told == [each, each]
    assert base([0.1, 0.2, 0.7], ["a", "b", "c"]) == {"a": 0.1, "b": 0.2, "c": 0.7}


def test_an_interval_has_two_ends_and_a_set_its_labels() -> None:
    assert ranges([1.0, 2.0], [3.0, 4.0]) == [{"lower": 1.0, "upper": 3.0}, {"lower": 2.0, "upper": 4.0}]
    assert label_sets([True, False, True, False, False, False], ["a", "b", "c"]) == [
        {"labels": ["a", "c"]},
        {"labels": []},
    ]
