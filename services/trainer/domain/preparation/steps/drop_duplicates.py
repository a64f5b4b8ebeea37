"""Removing repeated rows; done on the whole table before it is split, so there is nothing left to do in a fit."""

from __future__ import annotations

from ..params import ParamReader
from ..state import FitState
from ..step import StepSpec


class DropDuplicates:
    """A step on whole rows: see `drop_duplicate_rows`. A fitted pipeline never drops rows, so it is only checked."""

    kind = "drop_duplicates"
    accepts: frozenset[str] = frozenset()

    def check(self, step: StepSpec) -> None:
        """It has no parameters."""
        ParamReader(step).finish()

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Nothing: the rows were dropped before the table was split."""
