"""What a model answers."""

from __future__ import annotations

from dataclasses import dataclass

from ..requests.columns import Array


@dataclass(frozen=True)
class Prediction:
    """Predictions of n rows: labels and probabilities for classification, values for regression.

    labels: the likeliest class of each row. probabilities: float64 [n, classes]. values: float64 [n].
    """

    rows: int
    labels: list[str] | None = None
    probabilities: Array | None = None
    values: Array | None = None
