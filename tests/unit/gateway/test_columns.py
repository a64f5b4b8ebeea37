"""JSON rows to columns, as a model reads them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fairlead.kit.errors import InvalidArgument
from services.gateway.domain.columns import Columns, guess_kinds, to_columns, to_rows
from services.gateway.domain.input_kinds import Kind

KINDS = {"age": Kind.NUMBER, "workclass": Kind.TEXT, "member": Kind.BOOLEAN, "since": Kind.DATETIME}


def row(**values: Any) -> dict[str, Any]:
    return {"age": 39, "workclass": "Private", "member": True, "since": "2026-01-31T17:01:03Z", **values}


def test_values_become_columns_of_numbers_and_texts() -> None:
    columns = to_columns([row(), row(age=40.5, member=False)], KINDS)

    assert columns.numbers == {"age": [39.0, 40.5], "member": [1.0, 0.0]}
    assert columns.texts == {"workclass": ["Private", "Private"], "since": ["2026-01-31T17:01:03Z"] * 2}


def test_null_is_missing_as_nan_or_as_empty_text() -> None:
    columns = to_columns([row(age=None, workclass=None, member=None, since=None)], KINDS)

    assert math.isnan(columns.numbers["age"][0])
    assert math.isnan(columns.numbers["member"][0])
    assert columns.texts == {"workclass": [""], "since": [""]}


def test_columns_the_model_does_not_read_are_left_out() -> None:
    assert to_columns([{"age": 1, "other": "x"}], {"age": Kind.NUMBER}) == Columns({"age": [1.0]}, {})


def test_a_number_is_a_code_where_the_model_reads_text() -> None:
    columns = to_columns([{"code": value} for value in (3, 3.0, 3.5, True)], {"code": Kind.TEXT})

    assert columns.texts == {"code": ["3", "3", "3.5", "true"]}


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("age", "abc", "row 1, column 'age': expected a number, got 'abc'"),
        ("age", "39", "row 1, column 'age': expected a number, got '39'"),
        ("age", [1], "row 1, column 'age': expected a number, got [1]"),
        ("age", 10**400, "row 1, column 'age': expected a number below 1.8e308"),
        ("workclass", {"a": 1}, "row 1, column 'workclass': expected text"),
        ("member", 2, "row 1, column 'member': expected true or false, got 2"),
        ("since", "yesterday", "row 1, column 'since': expected a time such as 2026-01-31T17:01:03Z"),
        ("since", 5, "row 1, column 'since': expected a time such as"),
    ],
)
def test_a_value_of_a_wrong_type_is_named_by_row_and_column(column: str, value: object, said: str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        to_columns([row(), row(**{column: value})], KINDS)

    assert said in failure.value.message
    assert failure.value.violations[0].field == f"rows[1].{column}"


def test_missing_columns_are_named() -> None:
    with pytest.raises(InvalidArgument) as failure:
        to_columns([row(), {"age": 1, "member": True}], KINDS)

    assert "row 1 lacks the columns 'workclass', 'since'" in failure.value.message
    assert [each.field for each in failure.value.violations] == ["rows[1].workclass", "rows[1].since"]


def test_many_missing_columns_are_named_in_part() -> None:
    with pytest.raises(InvalidArgument, match="and 5 more"):
        to_columns([{}], {f"c{i}": Kind.NUMBER for i in range(25)})


def test_kinds_are_guessed_from_the_rows_where_the_model_is_not_known() -> None:
    rows: list[dict[str, Any]] = [{"age": None, "city": None, "ok": True}, {"age": 3, "city": "Oslo", "ok": False}]

    assert guess_kinds(rows) == {"age": Kind.NUMBER, "city": Kind.TEXT, "ok": Kind.NUMBER}


def test_rows_show_missing_values_as_null_and_whole_numbers_without_a_point() -> None:
    columns = Columns({"age": [39.0, math.nan], "score": [0.5, 2.0]}, {"city": ["Oslo", ""]})

    assert to_rows(columns, ["city", "age", "score"]) == [
        {"city": "Oslo", "age": 39, "score": 0.5},
        {"city": None, "age": None, "score": 2.0},
    ]
    assert isinstance(to_rows(columns, ["age"])[0]["age"], int)
