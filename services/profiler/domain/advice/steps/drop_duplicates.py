"""Rows that are there twice."""

from __future__ import annotations

from ..model import Situation, Step
from ..preview import percent

# A few equal rows are slips of a copy. Where they are common, as in coarse measurements, they are how the world sends
# its data, and dropping them makes another distribution of it: then the advice is weak.
_COMMON = 0.05


def suggest(situation: Situation) -> list[Step]:
    """Return the step where any row equals an earlier one."""
    table = situation.table
    if not table.duplicates:
        return []
    share = table.duplicates / table.rows
    found = f"{table.duplicates:,} of {table.rows:,} rows ({percent(share)}) equal an earlier row in every column; "
    if share > _COMMON:
        confidence, why = 0.45, "so many may well be real repeats; if they are copies, scores are too good with them."
    else:
        confidence, why = 0.75, "the same row in training and test makes scores too good."
    preview = f"rows before {table.rows:,}, after {table.rows - table.duplicates:,}"
    return [Step("drop-duplicates", "drop_duplicates", (), confidence, found + why, preview)]
