"""JSON rows whose values have types, as a model reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.requests.typed_rows import columns_of_typed_rows

KINDS = {"age": Kind.NUMBER, "workclass": Kind.TEXT, "member": Kind.BOOLEAN, "since": Kind.DATETIME}
INSTANT = 1769878863.0


def schema_of(kinds: dict[str, Kind]) -> Schema:
    return Schema(TaskType.BINARY, ("no", "yes"), tuple(InputColumn(name, kind, name) for name, kind in kinds.items()))


def row(**values: Any) -> dict[str, Any]:
    return {"age": 39, "workclass": "Private", "member": True, "since": "2026-01-31T17:01:03Z", **values}


def test_values_become_one_array_a_column() -> None:
    columns, rows = columns_of_typed_rows(schema_of(KINDS), [row(), row(age=40.5, member="False")])

    assert rows == 2
    assert [column.tolist() for column in columns] == [
        [39.0, 40.5],
        ["Private", "Private"],
        [1.0, 0.0],
        [INSTANT, INSTANT],
    ]
    assert [column.dtype for column in columns] == [np.float64, object, np.float64, np.float64]


def test_null_is_missing_as_nan_or_as_empty_text() -> None:
    columns, _ = columns_of_typed_rows(schema_of(KINDS), [row(age=None, workclass=None, member=None, since=None)])

    assert np.isnan([columns[0][0], columns[2][0], columns[3][0]]).all()
    assert columns[1][0] == ""


def test_members_the_model_does_not_read_are_left_out() -> None:
    columns, _ = columns_of_typed_rows(schema_of({"age": Kind.NUMBER}), [{"age": 1, "other": "x"}])

    assert [column.tolist() for column in columns] == [[1.0]]


def test_a_number_is_a_code_where_the_model_reads_text() -> None:
    rows = [{"code": value} for value in (3, 3.0, 3.5, True)]

    columns, _ = columns_of_typed_rows(schema_of({"code": Kind.TEXT}), rows)

    assert columns[0].tolist() == ["3", "3", "3.5", "true"]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("age", "abc", "row 1, column 'age': expected a number, got 'abc'"),
        ("age", "39", "row 1, column 'age': expected a number, got '39'; send 39 without quotes"),
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
        columns_of_typed_rows(schema_of(KINDS), [row(), row(**{column: value})])

    assert said in failure.value.message
    assert failure.value.violations[0].field == f"rows[1].{column}"


def test_missing_columns_are_named() -> None:
    with pytest.raises(InvalidArgument) as failure:
        columns_of_typed_rows(schema_of(KINDS), [row(), {"age": 1, "member": True}])

    assert "row 1 lacks the columns 'workclass', 'since'" in failure.value.message
    assert [each.field for each in failure.value.violations] == ["rows[1].workclass", "rows[1].since"]


def test_many_missing_columns_are_named_in_part() -> None:
    with pytest.raises(InvalidArgument, match="and 5 more"):
        columns_of_typed_rows(schema_of({f"c{i}": Kind.NUMBER for i in range(25)}), [{}])
