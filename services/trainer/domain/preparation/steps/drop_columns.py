"""Leaving columns out."""

from __future__ import annotations

from ..params import ParamReader
from ..state import FitState
from ..step import StepSpec
from .kind import ANY


class DropColumns:
    """Columns that the model shall not see, such as identifiers."""

    kind = "drop_columns"
    accepts = ANY

    def check(self, step: StepSpec) -> None:
        """It has no parameters."""
        ParamReader(step).finish()

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Forget the columns, with what was made of them."""
        for column in step.columns:
            for group in (state.numbers, state.categories, state.instants):
                group.pop(column, None)
            for name in [name for name, number in state.numbers.items() if number.source.column == column]:
                del state.numbers[name]
        names = ", ".join(f"'{column}'" for column in step.columns)
        state.report(step.id, self.kind, f"Dropped {names}", state.table.row_count, columns=list(step.columns))
