"""Rows that are there twice."""

from __future__ import annotations

from ..model import Situation, Step
from ..preview import percent

# With few columns of few values, equal rows may be different things: then the advice is weak.
_OFTEN = 0.2


def suggest(situation: Situation) -> list[Step]:
    """Return the step where any row equals an earlier one."""
    table = situation.table
    if not table.duplicates:
        return []
    share = table.duplicates / table.rows
    kept = table.rows - table.duplicates
    return [
        Step(
            "drop-duplicates", "drop_duplicates", (), 0.45 if share > _OFTEN else 0.75,
            f"{table.duplicates:,} of {table.rows:,} rows ({percent(share)}) equal an earlier row in every column; "
            "the same row in training and test makes scores too good.",
            f"rows before {table.rows:,}, after {kept:,}",
        )
    ]  # fmt: skip
