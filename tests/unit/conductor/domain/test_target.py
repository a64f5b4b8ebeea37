from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.conductor.domain.target import resolve_target

COLUMNS = ["age", "hours-per-week", "income-per-year", "num", "Median House Value", "age_group"]


@pytest.mark.parametrize(
    ("said", "column", "condition"),
    [
        ("age", "age", ""),
        ("income-per-year", "income-per-year", ""),
        ("income", "income-per-year", ""),
        ("median_house_value", "Median House Value", ""),
        ("num > 0", "num", "> 0"),
        ("num>=2", "num", ">= 2"),
        ("income = >50K", "income-per-year", "== >50K"),
    ],
)
def test_a_target_is_found(said: str, column: str, condition: str) -> None:
    found = resolve_target(said, COLUMNS)

    assert (found.column, found.condition) == (column, condition)


def test_a_guess_at_a_column_is_told() -> None:
    assert resolve_target("income", COLUMNS).note == "took 'income' to mean the column 'income-per-year'"


@pytest.mark.parametrize("said", ["per", "nothing", "nothing > 3", "age >", "> 3", ">", ""])
def test_what_fits_no_column_or_several_is_refused_with_the_columns(said: str) -> None:
    with pytest.raises(InvalidArgument, match="income-per-year"):
        resolve_target(said, COLUMNS)
