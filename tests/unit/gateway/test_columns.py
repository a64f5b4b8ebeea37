"""Columns as rows of JSON."""

from __future__ import annotations

import math

from services.gateway.domain.columns import Columns, to_rows


def test_rows_show_missing_values_as_null_and_whole_numbers_without_a_point() -> None:
    columns = Columns({"age": [39.0, math.nan], "score": [0.5, 2.0]}, {"city": ["Oslo", ""]})

    assert to_rows(columns, ["city", "age", "score"]) == [
        {"city": "Oslo", "age": 39, "score": 0.5},
        {"city": None, "age": None, "score": 2.0},
    ]
    assert isinstance(to_rows(columns, ["age"])[0]["age"], int)
