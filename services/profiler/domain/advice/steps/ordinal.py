"""Categories with an order, and those of two values, as whole numbers."""

from __future__ import annotations

from ...profiling.model import ColumnProfile
from ..model import Situation, Step
from ..preview import step_id, text_table
from .categories import encoded_as, order_of


def suggest(situation: Situation) -> list[Step]:
    """Return one step for all columns of two values, and one for each known order of values."""
    columns = encoded_as(situation, "ordinal")
    two = [column for column in columns if not order_of(column)]
    orders: dict[tuple[str, ...], list[ColumnProfile]] = {}
    for column in columns:
        if order := order_of(column):
            orders.setdefault(order, []).append(column)
    steps = [_ordered(situation, order, members) for order, members in orders.items()]
    return [*_two_values(situation, two), *steps]


def _two_values(situation: Situation, columns: list[ColumnProfile]) -> list[Step]:
    if not columns:
        return []
    rows = [
        (column.name, ", ".join(f"{value} -> {i}" for i, value in enumerate(sorted(_values(column)))))
        for column in columns
    ]
    rationale = f"One number, 0 or 1, holds the two values of {situation.named(columns)}."
    return [
        Step(
            step_id("number", columns, "two-values"), "ordinal", tuple(c.name for c in columns), 0.9, rationale,
            text_table(("column", "values"), rows),
        )
    ]  # fmt: skip


def _ordered(situation: Situation, order: tuple[str, ...], columns: list[ColumnProfile]) -> Step:
    counts = {level.value: level.count for level in columns[0].levels}
    rows = [(value, str(i), f"{counts.get(value, 0):,}") for i, value in enumerate(order)]
    rationale = (
        f"The {len(order)} values of {situation.named(columns)} have an order, from '{order[0]}' to '{order[-1]}', "
        "which one number keeps."
    )
    return Step(
        step_id("order", columns, f"from-{order[0].lower().replace(' ', '-')}"), "ordinal",
        tuple(c.name for c in columns), 0.7, rationale, text_table((columns[0].name, "number", "rows"), rows),
        {"order": list(order)},
    )  # fmt: skip


def _values(column: ColumnProfile) -> list[str]:
    return [level.value for level in column.levels[:2]]
