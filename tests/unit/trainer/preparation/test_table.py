from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from fairlead.kit.errors import InvalidArgument
from services.trainer.domain.preparation import drop_duplicate_rows
from services.trainer.domain.table import build_table

from .tables import sample, table


def test_columns_become_numbers_texts_and_seconds() -> None:
    read = table(
        {
            "whole": pa.array([1, None, 3]),
            "money": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
            "flag": pa.array([True, None, False]),
            "day": pa.array([date(1970, 1, 2), None, date(1969, 12, 31)]),
            "moment": pa.array([datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC), None, None]),
            "word": pa.array(["a", None, ""]),
            "code": pa.array(["x", "y", None]).dictionary_encode(),
            "empty": pa.nulls(3),
            "list": pa.array([[1, 2], None, [3]]),
        },
        ["p", "q", "p"],
    )
    kinds = {column.name: column.kind for column in read.inputs}
    assert kinds == {
        "whole": "number", "money": "number", "flag": "boolean", "day": "datetime", "moment": "datetime",
        "word": "text", "code": "text", "empty": "number", "list": "text",
    }  # fmt: skip
    np.testing.assert_array_equal(read.columns["whole"], [1, np.nan, 3])
    np.testing.assert_array_equal(read.columns["money"], [1.5, np.nan, 2.25])
    np.testing.assert_array_equal(read.columns["flag"], [1, np.nan, 0])
    np.testing.assert_array_equal(read.columns["day"], [86400, np.nan, -86400])
    np.testing.assert_array_equal(read.columns["moment"], [1.5, np.nan, np.nan])
    assert read.columns["word"].tolist() == ["a", "", ""]
    assert read.columns["code"].tolist() == ["x", "y", ""]
    assert np.isnan(read.columns["empty"].astype(float)).all()
    assert read.columns["list"].tolist() == ["[1, 2]", "", "[3]"]


def test_infinite_numbers_count_as_missing() -> None:
    read = table({"x": pa.array([1.0, float("inf"), 1e300])}, ["p", "q", "p"])
    np.testing.assert_array_equal(read.columns["x"], [1, np.nan, np.nan])


def test_rows_without_a_target_are_dropped_and_counted() -> None:
    read = table({"x": [1, 2, 3, 4]}, ["p", None, "q", ""])
    assert read.dropped_rows == 2
    assert read.row_ids.tolist() == [0, 2]
    assert read.columns["x"].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("values", "task_type", "classes"),
    [
        ([0, 1, 1], "binary", ("0", "1")),
        ([5.0, 10.0, 9.0], "multiclass", ("5", "9", "10")),
        ([True, False, True], "binary", ("false", "true")),
        ([">50K", "<=50K", ">50K"], "binary", ("<=50K", ">50K")),
        ([0.5, 1.0, 2.0], "regression", ()),
        (list(range(21)), "regression", ()),
        (list(range(20)), "multiclass", tuple(str(number) for number in range(20))),
    ],
)
def test_the_task_type_follows_from_the_target(values: list[object], task_type: str, classes: tuple[str, ...]) -> None:
    read = table({"x": list(range(len(values)))}, values)
    assert (read.task_type, read.classes) == (task_type, classes)


def test_a_given_task_type_overrides_the_guess() -> None:
    assert table({"x": [1, 2, 3]}, [1, 2, 3], task="regression").task_type == "regression"
    assert table({"x": [1, 2, 3]}, [0.5, 1.5, 0.5], task="binary").classes == ("0.5", "1.5")


@pytest.mark.parametrize(
    ("values", "condition", "expected"),
    [
        ([0, 2, 4], "> 0", ["false", "true", "true"]),
        ([0, 2, 4], "<= 2", ["true", "true", "false"]),
        (["yes", "no", "yes"], "== yes", ["true", "false", "true"]),
        (["yes", "no", "yes"], "!= 'yes'", ["false", "true", "false"]),
        ([True, False, True], "== true", ["true", "false", "true"]),
    ],
)
def test_a_condition_makes_two_classes(values: list[object], condition: str, expected: list[str]) -> None:
    read = table({"x": [1, 2, 3]}, values, condition)
    assert read.task_type == "binary"
    assert read.classes == ("false", "true")
    assert read.target.tolist() == expected


@pytest.mark.parametrize(
    ("values", "condition", "task", "words"),
    [
        ([1, 1, 1], "", "", "nothing to tell apart"),
        ([None, None, None], "", "", "no value in any row"),
        (["a", "b", "c"], "", "binary", "not two"),
        (["a", "b", "c"], "", "regression", "holds text"),
        (["a", "b", "c"], "> 1", "", "compare it with =="),
        ([1, 2, 3], "over 1", "", "no comparison"),
        ([1, 2, 3], "> high", "", "'high'"),
        ([1, 2, 3], "", "ranking", "no task type"),
        ([date(2020, 1, 1), date(2020, 1, 2), None], "", "", "is a date"),
        ([f"v{number}" for number in range(201)], "", "", "more than the 200 classes"),
    ],
)
def test_an_unusable_target_is_refused_with_the_reason(
    values: list[object], condition: str, task: str, words: str
) -> None:
    with pytest.raises(InvalidArgument, match=words):
        table({"x": list(range(len(values)))}, values, condition, task)


def test_an_absent_target_names_the_columns_there_are() -> None:
    with pytest.raises(InvalidArgument, match=r"no column 'income'.*'wage'"):
        build_table(pa.table({"wage": [1, 2]}), "income", "", None)


def test_a_table_of_the_target_alone_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no column beside the target"):
        build_table(pa.table({"wage": [1, 2]}), "wage", "", None)


def test_target_numbers_are_positions_of_labels() -> None:
    read = table({"x": [1, 2, 3]}, ["b", "a", "b"])
    assert read.target_numbers().tolist() == [1, 0, 1]


def test_duplicate_rows_are_dropped_once_wherever_they_stand() -> None:
    read = table({"x": [1.0, None, 1.0, None], "w": ["a", None, "a", None]}, ["p", "q", "p", "p"])
    kept, removed = drop_duplicate_rows(read)
    assert removed == 1
    assert kept.row_ids.tolist() == [0, 1, 3]


def test_the_red_wine_table_has_its_240_repeated_rows() -> None:
    wine = sample("wine_quality/winequality_red.csv", "quality", 1599, delimiter=";")
    assert drop_duplicate_rows(wine)[1] == 240
