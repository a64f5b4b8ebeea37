"""Calendar parts of datetime columns."""

from __future__ import annotations

import numpy as np

from ..blocks import NumberSource
from ..calendar import DEFAULT_PARTS, PARTS
from ..params import ParamReader, step_error
from ..state import FitState, number_state
from ..step import StepSpec
from ..wording import count_of
from .impute import fill_number


class DatetimeParts:
    """Year, month, weekday, hour and so on as numbers named `column.part`. Parts that never change are left out."""

    kind = "datetime_parts"
    accepts = frozenset({"datetime"})

    def check(self, step: StepSpec) -> None:
        """The parts must be known ones."""
        self.parts(step)

    def parts(self, step: StepSpec) -> tuple[str, ...]:
        """The parts asked for."""
        reader = ParamReader(step)
        parts = reader.texts("parts")
        reader.finish()
        for part in parts:
            if part not in PARTS:
                raise step_error(step, f"knows no calendar part '{part}'; use some of {', '.join(PARTS)}.")
        return parts or DEFAULT_PARTS

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Make the parts; a missing instant has missing parts."""
        for column in step.columns:
            take_parts(step.id, column, self.parts(step), state)


def take_parts(step_id: str, column: str, parts: tuple[str, ...], state: FitState) -> None:
    """Replace a datetime column by those of its parts that vary."""
    strategy = state.instants.pop(column, "")
    taken = []
    for part in parts:
        number = number_state(state.table, NumberSource(column, part))
        known = number.values[number.known]
        if len(known) and np.any(known != known[0]):
            state.numbers[number.source.name] = number
            taken.append(part)
            if strategy:
                fill_number(number, strategy)
    rows = int((~np.isnan(np.asarray(state.table.columns[column], dtype=np.float64))).sum())
    message = f"Took {', '.join(taken)} from '{column}' in {count_of(rows, 'row')}"
    if not taken:
        message = f"Took nothing from '{column}': its moments are all the same or missing"
    state.report(step_id, DatetimeParts.kind, message, rows, column=column, parts=taken)
