"""Numbers on a common scale, for linear models."""

from __future__ import annotations

from ..model import Situation, Step
from ..preview import step_id, text_table


def suggest(situation: Situation) -> list[Step]:
    """Return one step for all numbers; only the linear family gains from it, trees don't mind."""
    columns = [column for column in situation.features if column.is_number and column.numbers is not None]
    if not columns:
        return []
    spread = [(column, column.numbers) for column in columns if column.numbers is not None]
    widest = max(spread, key=lambda item: item[1].stddev)
    narrowest = min(spread, key=lambda item: item[1].stddev)
    rows = [(c.name, f"{n.mean:.4g} -> 0", f"{n.stddev:.4g} -> 1") for c, n in spread]
    rationale = (
        f"Standard deviations go from {narrowest[1].stddev:.3g} ('{narrowest[0].name}') to {widest[1].stddev:.3g} "
        f"('{widest[0].name}'); a linear model's penalty needs one scale, trees don't mind."
    )
    return [
        Step(
            step_id("scale", columns, "numbers"), "scale", tuple(c.name for c in columns), 0.6, rationale,
            text_table(("column", "mean", "standard deviation"), rows), {"method": "standard"},
        )
    ]  # fmt: skip
