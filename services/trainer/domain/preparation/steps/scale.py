"""Numbers brought to a common scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..blocks import Floats
from ..params import ParamReader
from ..state import Encoding, FitState, NumberState
from ..step import StepSpec
from ..wording import show_number
from .kind import CATEGORIES, NUMBERS

METHODS = ("standard", "minmax", "robust")


class Scale:
    """(x - shift) / scale, for families that compare sizes; trees don't, so there it does nothing.

    Params: method: standard (mean, standard deviation), minmax (to 0..1) or robust (median, interquartile range).
    """

    kind = "scale"
    accepts = NUMBERS | CATEGORIES | frozenset({"datetime"})

    def check(self, step: StepSpec) -> None:
        """The method must be known."""
        self._read(step)

    def _read(self, step: StepSpec) -> str:
        reader = ParamReader(step)
        method = reader.choice("method", "standard", METHODS)
        reader.finish()
        return method

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Learn shift and scale; columns that are encoded later are not touched."""
        method = self._read(step)
        if not state.flavour.scales:
            names = ", ".join(f"'{column}'" for column in step.columns)
            state.report(step.id, self.kind, f"Left {names} as it is: trees compare values, not sizes", 0)
            return
        for column in step.columns:
            for name, number in state.numbers.items():
                if name == column or (number.source.part and number.source.column == column):
                    scale_number(step.id, number, method, state)
            if column in state.categories:
                for encoding in state.categories[column].encodings:
                    scale_encoding(encoding, method)


def scale_number(step_id: str, number: NumberState, method: str, state: FitState) -> None:
    """Set a number's shift and scale."""
    known = number.values[~np.isnan(number.values)].reshape(-1, 1)
    shift, scale = measures(known, method)
    number.shift, number.scale, number.scaled = float(shift[0]), float(scale[0]), True
    name = number.source.name
    message = f"Scaled '{name}': subtracted {show_number(number.shift)}, divided by {show_number(number.scale)}"
    state.report(step_id, Scale.kind, message, len(known), column=name, method=method)


def scale_encoding(encoding: Encoding, method: str) -> None:
    """Scale a table of category values (and those of the rows at hand) by the table's own spread."""
    if encoding.scaled or encoding.is_one_hot:
        return
    shift, scale = measures(encoding.block.table if encoding.training is None else encoding.training, method)
    encoding.block = replace(encoding.block, table=(encoding.block.table - shift) / scale)
    if encoding.training is not None:
        encoding.training = (encoding.training - shift) / scale
    encoding.scaled = True


def measures(values: Floats, method: str) -> tuple[Floats, Floats]:
    """Shift [k] and scale [k] of values [n, k]; a column without spread is divided by 1."""
    if not len(values):
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    if method == "minmax":
        shift, scale = values.min(axis=0), values.max(axis=0) - values.min(axis=0)
    elif method == "robust":
        low, shift, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        scale = high - low
    else:
        shift, scale = values.mean(axis=0), values.std(axis=0)
    tiny = scale <= 1e-12 * np.maximum(1.0, np.abs(shift))
    return shift, np.where(tiny, 1.0, scale)
