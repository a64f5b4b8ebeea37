from __future__ import annotations

import pytest

from services.profiler.domain.reading.kinds import plausible_kinds


@pytest.mark.parametrize(
    ("values", "decimal", "first"),
    [
        (["1", "-2", "+3"], ".", "integer"),
        (["1", "2.5", "1e3", ".7"], ".", "number"),
        (["1,5", "2"], ",", "decimal_comma"),
        (["1,200", "999", "12,345.6"], ".", "grouped"),
        (["true", "False"], ".", "boolean"),
        (["2024-01-31", "2024-02-01T10:00:00Z"], ".", "iso"),
        (["31/12/2024", "01/02/2024"], ".", "date %d/%m/%Y"),
        (["12/31/2024 1:20", "1/2/2024 13:05"], ".", "date %m/%d/%Y %H:%M"),
        (["Jun 12 1998", "Aug 07 1998"], ".", "date %b %d %Y"),
        (["02134", "10001"], ".", "text"),
        (["12345678901234567890"], ".", "text"),
        (["yes", "no"], ".", "text"),
        ([], ".", "text"),
    ],
)
def test_the_narrowest_kind_that_fits_comes_first(values: list[str], decimal: str, first: str) -> None:
    kinds = plausible_kinds(values, decimal=decimal)
    assert kinds[0].name == first
    assert kinds[-1].name == "text"


def test_a_kind_stays_plausible_with_few_misfits_and_not_with_many() -> None:
    assert plausible_kinds(["1"] * 95 + ["x"] * 5, decimal=".")[0].name == "integer"
    assert plausible_kinds(["1"] * 80 + ["x"] * 20, decimal=".")[0].name == "text"


def test_a_date_that_fits_both_orders_keeps_both_month_first() -> None:
    names = [kind.name for kind in plausible_kinds(["01/02/2024"], decimal=".")]
    assert names == ["date %m/%d/%Y", "date %d/%m/%Y", "text"]
