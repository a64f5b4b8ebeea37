"""The steps of preparation that suit a table."""

from __future__ import annotations

from ..profiling.model import TableProfile
from .model import Situation, Step
from .steps import SUGGESTIONS, drop_columns


def suggest_preparation(table: TableProfile) -> tuple[Step, ...]:
    """Return the steps in the order in which they are to run; none of them touches the target."""
    dropping = drop_columns.suggest(Situation(table, table.features))
    dropped = {name for step in dropping for name in step.columns}
    if len(dropped) == len(table.features):
        # A model needs at least one column, however poor; the warnings say so.
        dropping, dropped = [], set()
    left = Situation(table, tuple(column for column in table.features if column.name not in dropped))
    return (*dropping, *(step for suggest in SUGGESTIONS for step in suggest(left)))
