"""What a model can tell beside its predictions."""

from __future__ import annotations

from typing import Protocol

from ..requests.columns import Columns
from .conformal import Calibration
from .explanation import Explanation


class Explainer(Protocol):
    """What computes contributions."""

    def explain(self, columns: Columns) -> Explanation:
        """Return each column's contribution to each prediction of columns as columns_of made them."""


class Insights(Protocol):
    """Opens what a model can tell; nothing of it is loaded before it is asked for."""

    def explainer(self) -> Explainer:
        """Return what explains the model. Raises FailedPrecondition, saying why, where nothing does."""

    def calibration(self) -> Calibration:
        """Return the model's calibration. Raises FailedPrecondition where it has none."""
