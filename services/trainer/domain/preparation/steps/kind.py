"""What every kind of step offers."""

from __future__ import annotations

from typing import Protocol

from ..state import FitState
from ..step import StepSpec

ANY = frozenset({"number", "boolean", "datetime", "text", "part"})
NUMBERS = frozenset({"number", "boolean", "part"})
CATEGORIES = frozenset({"number", "boolean", "text"})


class StepKind(Protocol):
    """One kind of step. `accepts` are the kinds of columns it can work on; "part" is a calendar part made before."""

    @property
    def kind(self) -> str:
        """The name in StepSpec.kind."""

    @property
    def accepts(self) -> frozenset[str]:
        """Kinds of columns; empty for a step on whole rows."""

    def check(self, step: StepSpec) -> None:
        """Raise InvalidArgument for parameters that can't be used."""

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Learn from the rows of the state, change it, and report."""
