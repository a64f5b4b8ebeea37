"""A feature for each of a few categories."""

from __future__ import annotations

from ..model import Situation, Step
from ..preview import step_id, text_table
from .categories import encoded_as, rare_levels


def suggest(situation: Situation) -> list[Step]:
    """Return one step for all columns of few categories."""
    columns = encoded_as(situation, "one_hot")
    if not columns:
        return []
    widths = [column.distinct - rare_levels(column)[0] + (rare_levels(column)[0] > 0) for column in columns]
    first = columns[0]
    rows = [(level.value, f"{first.name}={level.value}", f"{level.count:,}") for level in first.levels[:6]]
    rationale = (
        f"At most {max(widths)} categories without an order in {situation.named(columns)}: "
        f"{sum(widths)} features of 0 and 1 hold them."
    )
    return [
        Step(
            step_id("one-hot", columns, "categories"), "one_hot", tuple(c.name for c in columns), 0.85, rationale,
            text_table((first.name, "feature", "rows with 1"), rows),
        )
    ]  # fmt: skip
