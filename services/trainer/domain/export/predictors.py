"""What predicts: one fitted model, or a weighted mean of several. They are stored by value with the model package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from .quick import predict

if TYPE_CHECKING:
    from ..preparation import FittedPreparation

Columns = dict[str, NDArray[np.generic]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedModel:
    """A preparation and an estimator of one candidate.

    `classes` are all labels of the job (empty for regression); `present` are the positions in `classes` of the
    estimator's own classes, in its order; empty means all of them, in order.
    """

    # Tells the two predictors apart also when unpickled by value, where the class is a copy of this one.
    kind: ClassVar[Literal["model"]] = "model"
    preparation: FittedPreparation
    estimator: Any
    classes: tuple[str, ...] = ()
    present: tuple[int, ...] = ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """Input columns that are read."""
        return self.preparation.input_names

    def predict_columns(self, columns: Columns) -> Floats:
        """Probabilities [n, classes], or values [n], of columns [n] (float64; object str for text)."""
        features = self.preparation.transform(columns)
        if not self.classes:
            return predict(self.estimator, features).reshape(len(features))
        probabilities = predict(self.estimator, features)
        if not self.present:
            return probabilities
        spread = np.zeros((len(features), len(self.classes)))
        spread[:, list(self.present)] = probabilities
        return spread


@dataclass(frozen=True)
class WeightedEnsemble:
    """The weighted mean of its members' predictions; weights are taken relative to their sum."""

    kind: ClassVar[Literal["ensemble"]] = "ensemble"
    members: tuple[tuple[FittedModel, float], ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels of the job; empty for regression."""
        return self.members[0][0].classes

    @property
    def input_names(self) -> tuple[str, ...]:
        """Input columns that any member reads."""
        return tuple(dict.fromkeys(name for member, _ in self.members for name in member.input_names))

    @property
    def shares(self) -> tuple[float, ...]:
        """The weights, summing to 1."""
        total = sum(weight for _, weight in self.members)
        return tuple(weight / total for _, weight in self.members)

    def predict_columns(self, columns: Columns) -> Floats:
        """Probabilities [n, classes], or values [n]; see FittedModel."""
        parts = [
            share * member.predict_columns(columns)
            for (member, _), share in zip(self.members, self.shares, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)
