"""What a package tells beside predictions: contributions of columns, and calibrated intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibration import Calibration, calibrate
from .export import Explainable, ExportError, FittedModel, Parity, WeightedEnsemble, to_explainable
from .table import TrainingTable


@dataclass(frozen=True)
class Insights:
    """`explainable` is None where there are no contributions; `reason` then says why."""

    explainable: Explainable | None
    reason: str
    calibration: Calibration


def gather_insights(
    winner: FittedModel | WeightedEnsemble,
    train: TrainingTable,
    parity: Parity,
    predictions: NDArray[np.float64],
    truth: NDArray[np.float64],
) -> Insights:
    """What the winner tells; predictions and truth are those of held-out rows.

    Contributions come from what the ONNX graph was written from, so they are trusted only where it passed its check.
    """
    calibration = calibrate(predictions, truth)
    if not parity.passed:
        return Insights(None, f"not explained: {parity.reason}", calibration)
    try:
        return Insights(to_explainable(winner, train.inputs, train.columns), "", calibration)
    except ExportError as error:
        return Insights(None, str(error), calibration)
