"""A number a category."""

from __future__ import annotations

import numpy as np

from ..params import ParamReader
from ..state import CategoryState, Encoding, FitState
from ..step import StepSpec
from .kind import CATEGORIES


class Ordinal:
    """0, 1, 2, ... in the given `order`, other categories after it by name; -1 for missing and unseen values."""

    kind = "ordinal"
    accepts = CATEGORIES

    def check(self, step: StepSpec) -> None:
        """The order must be a list."""
        self._read(step)

    def _read(self, step: StepSpec) -> tuple[str, ...]:
        reader = ParamReader(step)
        order = reader.texts("order") or reader.texts("categories")
        reader.texts("categories")
        reader.finish()
        return order

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Learn the categories."""
        order = self._read(step)
        for column in step.columns:
            category = state.as_category(column)
            labels = _ordered(category, order)
            codes = np.arange(len(labels), dtype=np.float64)
            block = category.block(labels, codes, np.array([-1.0]), (column,))
            category.encodings.append(Encoding(block))
            message = f"Numbered the {len(labels):,} categories of '{column}' from 0"
            state.report(step.id, self.kind, message, state.table.row_count, column=column, categories=len(labels))


def _ordered(category: CategoryState, order: tuple[str, ...]) -> list[str]:
    found = [label for label in category.counts() if label]
    first = list(dict.fromkeys(order))
    return first + sorted((label for label in found if label not in first), key=_natural)


def _natural(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label
