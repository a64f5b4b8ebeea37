"""Columns that can't help a model."""

from __future__ import annotations

from ...profiling.model import ColumnProfile, Semantic
from ..model import Situation, Step
from ..preview import percent, step_id, text_table

# Columns with a larger share of missing values than this are left out.
MOSTLY_MISSING = 0.6


def suggest(situation: Situation) -> list[Step]:
    """Return a step for identifiers, one for constants, one for free text and one for mostly missing columns."""
    features = situation.features
    identifiers = [column for column in features if column.semantic is Semantic.IDENTIFIER]
    constants = [column for column in features if column.semantic is Semantic.CONSTANT]
    texts = [column for column in features if column.semantic is Semantic.TEXT]
    taken = {column.name for column in (*identifiers, *constants, *texts)}
    missing = [column for column in features if column.name not in taken and column.missing_share > MOSTLY_MISSING]
    steps = [
        _step(situation, identifiers, "identifiers", 0.95, "names of rows would be learnt by heart"),
        _step(situation, constants, "constants", 0.99, "columns of one value or none tell nothing"),
        _step(situation, texts, "text", 0.7, "no step here turns free text into numbers"),
        _step(situation, missing, "mostly-missing", 0.8, f"over {percent(MOSTLY_MISSING)} of the values are missing"),
    ]
    return [step for step in steps if step is not None]


def _step(situation: Situation, columns: list[ColumnProfile], group: str, confidence: float, why: str) -> Step | None:
    if not columns:
        return None
    rows = [(c.name, f"{c.distinct:,}", percent(c.missing_share)) for c in columns]
    preview = text_table(("column", "distinct", "missing"), rows)
    preview += f"\ncolumns before {len(situation.table.columns)}, after {len(situation.table.columns) - len(columns)}"
    known = columns[0].reason.rstrip(".") if group != "mostly-missing" else percent(columns[0].missing_share)
    rationale = f"{situation.named(columns)}: {why} ({known})."
    return Step(
        step_id("drop", columns, group), "drop_columns", tuple(c.name for c in columns), confidence, rationale, preview
    )
