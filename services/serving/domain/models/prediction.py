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

    def at(self, places: list[int]) -> Prediction:
        """Return the predictions of some of the rows, in this order."""
        return Prediction(
            len(places),
            None if self.labels is None else [self.labels[place] for place in places],
            None if self.probabilities is None else self.probabilities[places],
            None if self.values is None else self.values[places],
        )
