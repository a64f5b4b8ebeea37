"""A feature a category."""

from __future__ import annotations

import numpy as np

from ..params import ParamReader
from ..state import Encoding, FitState
from ..step import StepSpec
from .kind import CATEGORIES


class OneHot:
    """1 in the feature of the row's category, 0 elsewhere; all 0 for values not met in training.

    Missing values have a feature of their own if there were any. `max_categories` keeps the most frequent.
    """

    kind = "one_hot"
    accepts = CATEGORIES

    def check(self, step: StepSpec) -> None:
        """The limit must be a number."""
        self._read(step)

    def _read(self, step: StepSpec) -> int:
        reader = ParamReader(step)
        most = int(reader.number("max_categories", 100, 1))
        reader.finish()
        return most

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Learn the categories."""
        most = self._read(step)
        for column in step.columns:
            one_hot(step.id, column, most, state)


def one_hot(step_id: str, column: str, most: int, state: FitState) -> None:
    """Encode a column by its `most` most frequent labels."""
    category = state.as_category(column)
    labels = sorted(list(category.counts())[:most])
    names = tuple(f"{column}={label or 'missing'}" for label in labels)
    block = category.block(labels, np.eye(len(labels)), np.zeros(len(labels)), names)
    category.encodings.append(Encoding(block, is_one_hot=True))
    rows = state.table.row_count
    message = f"One-hot encoded '{column}' into {len(labels):,} feature{'' if len(labels) == 1 else 's'}"
    state.report(step_id, OneHot.kind, message, rows, column=column, features=len(labels))
