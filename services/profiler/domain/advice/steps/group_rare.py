"""Categories too rare to learn from."""

from __future__ import annotations

from ..model import Situation, Step
from ..preview import percent, step_id, text_table
from .categories import MIN_SHARE, rare_levels


def suggest(situation: Situation) -> list[Step]:
    """Return one step for the columns in which rare categories together are few."""
    columns = [column for column in situation.features if column.is_category and rare_levels(column)[0]]
    if not columns:
        return []
    first = columns[0]
    levels, rows = rare_levels(first)
    preview = text_table(
        ("column", "categories", "rows in 'other'"),
        [
            (c.name, f"{c.distinct:,} -> {c.distinct - rare_levels(c)[0] + 1:,}", f"{rare_levels(c)[1]:,}")
            for c in columns
        ],
    )
    rationale = (
        f"Some categories of {situation.named(columns)} have under {percent(MIN_SHARE)} of the rows; in '{first.name}' "
        f"{levels} of {first.distinct:,} share {rows:,} rows ({percent(rows / max(first.rows, 1))})."
    )
    return [
        Step(
            step_id("group-rare", columns, "categories"), "group_rare", tuple(c.name for c in columns), 0.7, rationale,
            preview, {"min_share": MIN_SHARE},
        )
    ]  # fmt: skip
