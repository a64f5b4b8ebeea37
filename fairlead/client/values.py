"""Rows as JSON can say them, whatever made them: numpy and pandas are known by how they act, and are not needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from fairlead.client.errors import InvalidRows


def json_rows(rows: Any, what: str = "rows") -> list[dict[str, Any]]:
    """Return the rows of a sequence of dictionaries or of a DataFrame, each value as JSON has it.

    NaN, NaT and NA become None, numpy's scalars Python's, dates and times text. Raises InvalidRows naming what has no
    form in JSON, or is no row.
    """
    return [_json_row(row, f"{what}[{index}]") for index, row in enumerate(_records(rows, what))]


def _records(rows: Any, what: str) -> Iterable[Any]:
    # polars, then pandas.
    if hasattr(rows, "to_dicts"):
        return list(rows.to_dicts())
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        return list(rows.to_dict("records"))
    if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Iterable):
        raise InvalidRows(f"{what} is of type {type(rows).__name__}; give a list of dictionaries, or a DataFrame")
    return rows


def _json_row(row: Any, place: str) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InvalidRows(f"{place} is of type {type(row).__name__}; give a dictionary of column to value")
    return {str(column): _json_value(value, place, column) for column, value in row.items()}


def _json_value(value: Any, place: str, column: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise InvalidRows(f"{place}, column '{column}': {value} is no number in JSON; send a finite one, or None")
        return None if math.isnan(value) else value
    if isinstance(value, date | datetime):
        # What is not itself is pandas' NaT.
        return value.isoformat() if value == value else None
    kind = type(value).__name__
    if kind == "NAType":
        return None
    if kind == "datetime64":
        # Of nanoseconds, numpy's own item() is a bare number.
        value = value.astype("datetime64[us]")
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        plain = value.item()
        if type(plain) is not type(value):
            return _json_value(plain, place, column)
    raise InvalidRows(
        f"{place}, column '{column}': a value of type {kind} has no form in JSON; "
        "send a number, text, true or false, a date and time, or None"
    )
