"""A Bento reads rows by the rules of Fairlead's API: the same columns of the same rows, the same refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairlead.admin.bento.fairlead_model.manifest import Column
from fairlead.admin.bento.fairlead_model.rows import Refused, columns_of_rows
from fairlead.kit.errors import InvalidArgument
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.requests.typed_rows import columns_of_typed_rows

KINDS = ("number", "boolean", "datetime", "text")
VALUES: dict[str, list[Any]] = {
    "number": [39, 1.5, -0.0, True, None, 10**300],
    "boolean": [True, False, 1, 0.0, "true", "FALSE", None],
    "datetime": [
        "2026-01-31T17:01:03Z",
        "2026-01-31 17:01:03.25",
        "2026-01-31T17:01:03+02:00",
        "2026-01-31",
        " 2026-01-31T17:01 ",
        "",
        None,
    ],
    "text": ["Private", "", None, 3, 3.0, 3.5, True, "é"],
}
WRONG: dict[str, list[Any]] = {
    "number": ["39", "", [1], {}, 10**400],
    "boolean": ["yes", 2, [True]],
    "datetime": ["tomorrow", 17, True],
    "text": [["Private"], {}],
}


def schema_of(*columns: tuple[str, str]) -> Schema:
    return Schema(TaskType.BINARY, ("a", "b"), tuple(InputColumn(name, Kind(kind), name) for name, kind in columns))


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_read_as_fairlead_reads_them(kind: str) -> None:
    rows = [{"x": value, "other": 1} for value in VALUES[kind]]

    read = columns_of_rows([Column("x", kind, "x")], rows)[0]

    wanted = columns_of_typed_rows(schema_of(("x", kind)), rows)[0][0]
    assert read.dtype == wanted.dtype
    np.testing.assert_array_equal(read, wanted)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in KINDS for value in WRONG[kind]])
def test_what_fairlead_refuses_is_refused_in_its_words(kind: str, value: Any) -> None:
    rows = [{"x": None}, {"x": value}]

    with pytest.raises(InvalidArgument) as by_fairlead:
        columns_of_typed_rows(schema_of(("x", kind)), rows)
    with pytest.raises(Refused) as by_the_bento:
        columns_of_rows([Column("x", kind, "x")], rows)

    assert str(by_the_bento.value) == by_fairlead.value.message


@pytest.mark.parametrize("count", [2, 25])
def test_a_row_that_lacks_columns_is_refused_in_fairleads_words(count: int) -> None:
    names = [f"x{number}" for number in range(count)]
    rows: list[dict[str, Any]] = [dict.fromkeys(names), {"x0": 2}]

    with pytest.raises(InvalidArgument) as by_fairlead:
        columns_of_typed_rows(schema_of(*((name, "number") for name in names)), rows)
    with pytest.raises(Refused) as by_the_bento:
        columns_of_rows([Column(name, "number", name) for name in names], rows)

    assert str(by_the_bento.value) == by_fairlead.value.message
