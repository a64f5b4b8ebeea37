"""Many categories by what the target is among them."""

from __future__ import annotations

from ..model import Situation, Step
from ..preview import step_id, text_table
from .categories import MOST_ONE_HOT, encoded_as


def suggest(situation: Situation) -> list[Step]:
    """Return one step for all columns of many categories, where there is a target."""
    columns = encoded_as(situation, "target_encode")
    target = situation.table.target
    if not columns or target is None:
        return []
    first = columns[0]
    counts = {level.value: level.count for level in first.levels}
    rows = [
        (value, f"{mean:.4g}", f"{counts.get(value, 0):,}")
        for value, mean in situation.table.target_by_level.get(first.name, ())
    ]
    most = max(column.distinct for column in columns)
    rationale = (
        f"Up to {most:,} categories in {situation.named(columns)}, more than the {MOST_ONE_HOT} that get a feature "
        "each: the target's mean "
        "among their rows, learnt on other folds, is one number."
    )
    header = (first.name, f"mean of {target.column}", "rows")
    return [
        Step(
            step_id("target-encode", columns, "categories"), "target_encode", tuple(c.name for c in columns), 0.75,
            rationale, text_table(header, rows),
        )
    ]  # fmt: skip
