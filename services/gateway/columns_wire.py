"""Columns of the contracts to those of the domain."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.api.common.v1.table_pb2 import Column

from .domain.columns import Columns


def columns_of(columns: Iterable[Column]) -> Columns:
    """Return the columns by name."""
    numbers: dict[str, list[float]] = {}
    texts: dict[str, list[str]] = {}
    for column in columns:
        if column.WhichOneof("values") == "texts":
            texts[column.name] = list(column.texts.values)
        else:
            numbers[column.name] = list(column.numbers.values)
    return Columns(numbers, texts)


def order_of(columns: Iterable[Column]) -> list[str]:
    """Return the columns' names in order."""
    return [column.name for column in columns]
