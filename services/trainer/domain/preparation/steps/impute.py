"""Filling in missing values."""

from __future__ import annotations

import numpy as np

from ..params import ParamReader, step_error
from ..state import CategoryState, FitState, NumberState
from ..step import StepSpec
from ..wording import count_of, show_number, spell_number
from .kind import ANY

_STRATEGIES = ("mean", "median", "most_frequent", "constant")


class Impute:
    """Missing values replaced by the mean, median, most frequent value or a constant.

    Params: strategy; value (for constant); indicator (a feature that tells where a number was missing).
    """

    kind = "impute"
    accepts = ANY

    def check(self, step: StepSpec) -> None:
        """A constant needs a value."""
        self._read(step)

    def _read(self, step: StepSpec) -> tuple[str, str | float | None, bool]:
        reader = ParamReader(step)
        strategy = reader.choice("strategy", "median", _STRATEGIES)
        value = reader.scalar("value")
        fill_value = reader.scalar("fill_value")
        indicator = reader.flag("indicator", False)
        reader.finish()
        value = fill_value if value is None else value
        if strategy == "constant" and value is None:
            raise step_error(step, "the strategy 'constant' needs the parameter 'value'.")
        return strategy, value, indicator

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Learn each column's replacement from the rows where it is known."""
        strategy, value, indicator = self._read(step)
        for column in step.columns:
            number = state.numbers.get(column)
            is_code = number is not None and not number.source.part and _is_word(strategy, value)
            if column in state.categories or is_code:
                self._fill_text(step, state, state.as_category(column), strategy, value)
            elif number is not None:
                self._fill_number(step, state, number, strategy, value, indicator)
            elif column in state.instants:
                state.instants[column] = "most_frequent" if strategy == "most_frequent" else "median"
                state.report(step.id, self.kind, f"Parts of '{column}' will be filled with their own values", 0)
            else:
                for part in [n for n in state.numbers.values() if n.source.part and n.source.column == column]:
                    self._fill_number(step, state, part, strategy, value, indicator)

    def _fill_number(
        self, step: StepSpec, state: FitState, number: NumberState, strategy: str, value: str | float | None, flag: bool
    ) -> None:
        name, missing = number.source.name, int(np.isnan(number.values).sum())
        if _is_word(strategy, value):
            raise step_error(step, f"'{name}' is a number, but the value '{value}' is none.")
        constant = float(value or 0.0) if strategy == "constant" else None
        number.flagged = number.flagged or (flag and missing > 0)
        fill = fill_number(number, strategy, constant)
        label = "" if strategy == "constant" else f"{strategy.replace('_', ' ')} "
        message = f"Replaced {count_of(missing, 'null')} in '{name}' with {label}{show_number(fill)}"
        state.report(step.id, self.kind, message, missing, column=name, strategy=strategy, value=fill)

    def _fill_text(
        self, step: StepSpec, state: FitState, category: CategoryState, strategy: str, value: str | float | None
    ) -> None:
        known = {label: count for label, count in category.counts().items() if label}
        if strategy == "constant":
            fill = spell_number(float(value)) if isinstance(value, int | float) else str(value)
        else:
            fill = next(iter(known), "missing")
        missing = int((category.labels == "").sum())
        category.relabel({"": fill})
        how = "" if strategy == "constant" else "the most frequent value "
        message = f"Replaced {count_of(missing, 'null')} in '{category.column}' with {how}'{fill}'"
        state.report(step.id, self.kind, message, missing, column=category.column, strategy=strategy, value=fill)


def _is_word(strategy: str, value: str | float | None) -> bool:
    """Whether missing values get a name of their own: a numeric column then holds codes, and becomes a category."""
    if strategy != "constant":
        return False
    try:
        float(value or 0.0)
    except ValueError:
        return True
    return False


def fill_number(number: NumberState, strategy: str, constant: float | None = None) -> float:
    """Choose the fill (0 where nothing is known), put it in place of missing values, and return it."""
    known = number.values[~np.isnan(number.values)]
    if constant is not None:
        fill = constant
    elif not len(known):
        fill = 0.0
    elif strategy == "mean":
        fill = float(known.mean())
    elif strategy == "most_frequent":
        values, counts = np.unique(known, return_counts=True)
        fill = float(values[np.argmax(counts)])
    else:
        fill = float(np.median(known))
    if np.isnan(number.fill):
        number.fill = fill
    number.values = np.where(np.isnan(number.values), number.fill, number.values)
    return number.fill
