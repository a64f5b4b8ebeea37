"""The preparation pipeline: steps fitted on training rows, then applied to any rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..table import TrainingTable, target_numbers
from .blocks import CategoryBlock, Columns, FittedPreparation, Floats, NumberBlock
from .defaults import treat_the_rest
from .flavour import flavour_of
from .params import step_error
from .state import FitState, Log, NumberState, start
from .step import StepReport, StepSpec
from .steps import find_step_kind


class PreparationPipeline:
    """Fits steps, and what columns without a step need, for one model family.

    After `fit`, `fitted` holds the result and `reports` what each step did.
    """

    def __init__(self, steps: Sequence[StepSpec], family: str, seed: int = 0) -> None:
        self.steps = tuple(steps)
        self.family = family
        self.seed = seed
        self.reports: list[StepReport] = []
        self._fitted: FittedPreparation | None = None

    @property
    def fitted(self) -> FittedPreparation:
        """What was learnt; raises RuntimeError before `fit`."""
        if self._fitted is None:
            raise RuntimeError("The preparation is not fitted yet; call fit first.")
        return self._fitted

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the k features."""
        return self.fitted.feature_names

    def fit(
        self, table: TrainingTable, target: NDArray[np.generic] | None = None, *, log: Log | None = None
    ) -> PreparationPipeline:
        """Learn from the table's rows; `target` (labels, class positions or values) replaces the table's own."""
        self._fit(table, target, log)
        return self

    def fit_transform(
        self, table: TrainingTable, target: NDArray[np.generic] | None = None, *, log: Log | None = None
    ) -> Floats:
        """Fit, and return the features [n, k] to train on: target-encoded ones hold values learnt from other rows."""
        state = self._fit(table, target, log)
        features = self.fitted.transform(table.columns)
        position = len(self.fitted.feature_names)
        for encoding in reversed([e for category in state.categories.values() for e in category.encodings]):
            width = len(encoding.block.names)
            if encoding.training is not None:
                features[:, position - width : position] = encoding.training
            position -= width
        return features

    def transform(self, columns: Columns) -> Floats:
        """Features [n, k] of columns [n]; see FittedPreparation.transform."""
        return self.fitted.transform(columns)

    def _fit(self, table: TrainingTable, target: NDArray[np.generic] | None, log: Log | None) -> FitState:
        wanted = target_numbers(table.target if target is None else target, table.classes)
        state = start(table, wanted, len(table.classes), flavour_of(self.family), self.seed, log)
        for step in self.steps:
            kind = find_step_kind(step.kind)
            if kind is None:
                raise step_error(step, "is no kind of step.")
            kind.fit(step, state)
        treat_the_rest(state)
        self.reports = state.reports
        self._fitted = _assemble(state)
        return state


def _assemble(state: FitState) -> FittedPreparation:
    """Numbers first, input columns before calendar parts; then categories. A constant where nothing is left."""
    blocks: list[NumberBlock | CategoryBlock] = []
    numbers = sorted(state.numbers.values(), key=lambda number: bool(number.source.part))
    if numbers:
        blocks.append(_number_block(numbers))
    blocks += [encoding.block for category in state.categories.values() for encoding in category.encodings]
    if not blocks:
        first = state.table.inputs[0]
        nothing = np.zeros((1, 1))
        state.report("default", "features", "No column tells anything; the features are a constant", 0)
        empty = np.zeros(0, dtype=np.int64)
        blocks.append(CategoryBlock(first.name, (), empty, nothing, 0, 0, ("constant",), first.kind != "text"))
    return FittedPreparation(tuple(blocks))


def _number_block(numbers: list[NumberState]) -> NumberBlock:
    return NumberBlock(
        sources=tuple(number.source for number in numbers),
        fill=np.array([number.fill for number in numbers]),
        shift=np.array([number.shift for number in numbers]),
        scale=np.array([number.scale for number in numbers]),
        flagged=tuple(index for index, number in enumerate(numbers) if number.flagged),
    )
