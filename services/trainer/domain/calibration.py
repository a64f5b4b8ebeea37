"""Scores of held-out rows, from which a server makes intervals and sets of labels (split conformal prediction).

Of a regression a row's score is |truth - value|; of a classification 1 - the true class's probability (LAC). The rows
are those that no part of the model was fitted on, so the coverage is exact for new rows like them: predictions out of
folds would be of other, slightly worse models. Sources: services/serving, domain/conformal.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of more rows this many scores are kept; a limit between two of them is rounded up, by 1 / 4096 of coverage at most.
_KEPT = 4096


@dataclass(frozen=True)
class Calibration:
    """Of the scores of `count` rows, in ascending order, those at `ranks` (1 to count, the last one among them)."""

    count: int
    ranks: NDArray[np.int64]
    scores: NDArray[np.float64]


def calibrate(predictions: NDArray[np.float64], truth: NDArray[np.float64]) -> Calibration:
    """The calibration by probabilities [n, classes] and class positions [n], or by values [n] and true values [n]."""
    if predictions.ndim == 2:
        scores = 1.0 - predictions[np.arange(len(truth)), truth.astype(np.int64)]
    else:
        scores = np.abs(truth - predictions)
    ordered = np.sort(scores)
    count = len(ordered)
    ranks = np.unique(np.ceil(np.linspace(min(1, count), count, min(count, _KEPT))).astype(np.int64))
    return Calibration(count, ranks, ordered[ranks - 1])
