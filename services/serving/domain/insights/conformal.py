"""Split conformal prediction: intervals and sets of labels from a model's errors on rows it was not fitted on.

Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005. Where calibration rows and new ones come from the
same source, an interval or set holds the truth with probability `coverage` or more, and, where no two scores are the
same, at most 1 / (n + 1) more. It is
a mean over rows: not each kind of row is covered as often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument

from ..models.prediction import Prediction
from .interval import Interval

# Served predictions and those of the calibration may differ by what the trainer's parity check lets pass, and many rows
# of a small tree have the very same score; what lies this near to the limit counts as within.
_SLACK = 1e-5


@dataclass(frozen=True)
class Calibration:
    """Scores of `count` held-out rows: the `scores` [m], ascending, at these `ranks` [m] (1 to count) among them.

    A score says how wrong a prediction is. Of a regression it is |truth - value| (Lei et al.: Distribution-Free
    Predictive Inference for Regression, JASA 2018), of a classification 1 - the true class's probability (LAC; Sadinle,
    Lei, Wasserman: Least Ambiguous Set-Valued Classifiers with Bounded Error Levels, JASA 2019).
    """

    count: int
    ranks: NDArray[np.int64]
    scores: NDArray[np.float64]

    def interval(self, prediction: Prediction, coverage: float) -> Interval:
        """The interval around each value, or the set of labels of each row.

        A set may be empty: the row then looks like none of the classes, more so than `coverage` of all rows do. Raises
        InvalidArgument for a coverage outside 0 to 1, FailedPrecondition for one that takes more calibration rows.
        """
        limit = self.limit(coverage)
        if prediction.values is not None:
            half = limit + _SLACK * np.abs(prediction.values)
            return Interval(coverage, lower=prediction.values - half, upper=prediction.values + half)
        assert prediction.probabilities is not None  # a prediction has either
        return Interval(coverage, contains=prediction.probabilities >= 1.0 - limit - _SLACK)

    def limit(self, coverage: float) -> float:
        """The score of rank ceil((n + 1) * coverage), or of the next rank that was kept."""
        if not 0.0 < coverage < 1.0:
            message = f"a coverage of {coverage:g} can't be; ask for one between 0 and 1, such as 0.9"
            raise InvalidArgument(message, violations=[FieldViolation("interval", message)])
        # The product of 0.9 and 10 is not allowed to be a little more than 9.
        rank = math.ceil((self.count + 1) * coverage - 1e-9)
        if rank > self.count:
            most = math.floor(1e4 * self.count / (self.count + 1)) / 1e4
            raise FailedPrecondition(
                f"the model was calibrated on {self.count} held-out rows, which is too few for a coverage of"
                f" {coverage:g}; ask for {most:g} at most, or train with more held-out rows"
            )
        return float(self.scores[np.searchsorted(self.ranks, rank)])
