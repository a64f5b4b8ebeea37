"""Categories by what the target is among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..blocks import Floats
from ..params import ParamReader
from ..state import CategoryState, Encoding, FitState
from ..step import StepSpec
from .kind import CATEGORIES

SMOOTHING = 10.0
FOLDS = 5


class TargetEncode:
    """The target's mean among the rows of a category, drawn towards the overall mean by `smoothing` imaginary rows.

    (sum + smoothing * mean) / (count + smoothing), after Micci-Barreca (2001), SIGKDD Explorations 3(1). For classes it
    is a class's share: one feature for two classes, one a class for more. The rows it is fitted on get values learnt
    from other rows (`folds` parts), or their own target would leak into their features.
    """

    kind = "target_encode"
    accepts = CATEGORIES

    def check(self, step: StepSpec) -> None:
        """Smoothing and folds must be numbers."""
        self._read(step)

    def _read(self, step: StepSpec) -> tuple[float, int]:
        reader = ParamReader(step)
        smoothing = reader.number("smoothing", SMOOTHING)
        folds = int(reader.number("folds", FOLDS, 2, 50))
        reader.finish()
        return smoothing, folds

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Learn the means on all rows for later use, and on the other folds for each row here."""
        smoothing, folds = self._read(step)
        for column in step.columns:
            target_encode(step.id, column, smoothing, folds, state)


def target_encode(step_id: str, column: str, smoothing: float, folds: int, state: FitState) -> None:
    """Encode one column."""
    category = state.as_category(column)
    labels = sorted(category.counts())
    codes = _codes(category, labels)
    wanted = _indicators(state.target, state.class_count)
    table, prior = _means(codes, wanted, len(labels), smoothing)
    training = np.empty((len(codes), wanted.shape[1]))
    folds = max(2, min(folds, len(codes)))
    fold = np.random.default_rng(state.seed).permutation(len(codes)) % folds
    for number in range(folds):
        inside = fold == number
        others, mean = _means(codes[~inside], wanted[~inside], len(labels), smoothing)
        training[inside] = np.vstack([others, mean])[codes[inside]]
    width = wanted.shape[1]
    classes = state.table.classes
    names = (f"{column} by target",) if width == 1 else tuple(f"{column} by target {c}" for c in classes)
    category.encodings.append(Encoding(category.block(labels, table, prior, names), training))
    message = f"Encoded the {len(labels):,} categories of '{column}' by the target's mean in {folds} folds"
    state.report(step_id, TargetEncode.kind, message, len(codes), column=column, smoothing=smoothing)


def _codes(category: CategoryState, labels: list[str]) -> NDArray[np.int64]:
    position = {label: index for index, label in enumerate(labels)}
    return np.fromiter((position[label] for label in category.labels.tolist()), np.int64, len(category.labels))


def _indicators(target: Floats, class_count: int) -> Floats:
    if class_count == 0:
        return target.reshape(-1, 1)
    if class_count == 2:
        return np.asarray(target == 1, dtype=np.float64).reshape(-1, 1)
    return np.asarray(target.reshape(-1, 1) == np.arange(class_count), dtype=np.float64)


def _means(codes: NDArray[np.int64], wanted: Floats, count: int, smoothing: float) -> tuple[Floats, Floats]:
    """Smoothed means [count, k] and the prior [k]; labels without rows get the prior."""
    prior = wanted.mean(axis=0) if len(wanted) else np.zeros(wanted.shape[1])
    rows = np.bincount(codes, minlength=count).astype(np.float64)
    sums = np.column_stack([np.bincount(codes, weights=column, minlength=count) for column in wanted.T])
    weight = np.maximum(rows + smoothing, 1e-12).reshape(-1, 1)
    means = (sums + smoothing * prior) / weight
    return np.where((rows + smoothing).reshape(-1, 1) > 0, means, prior), prior
