"""What a package tells beside predictions: contributions of columns, and calibrated intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibration import Calibration, calibrate
from .export import Explainable, ExportError, FittedModel, Parity, WeightedEnsemble, to_explainable
from .table import InputColumn


@dataclass(frozen=True)
class Insights:
    """`explainable` is None where there are no contributions; `reason` then says why."""

    explainable: Explainable | None
    reason: str
    calibration: Calibration


def gather_insights(
    winner: FittedModel | WeightedEnsemble,
    inputs: Sequence[InputColumn],
    parity: Parity,
    predictions: NDArray[np.float64],
    truth: NDArray[np.float64],
) -> Insights:
    """What the winner tells; predictions and truth are those of held-out rows.

    Contributions are made from the very trees of the ONNX graph, so they are trusted only where it passed its check.
    """
    calibration = calibrate(predictions, truth)
    if not parity.passed:
        return Insights(None, f"not explained: {parity.reason}", calibration)
    try:
        return Insights(to_explainable(winner, inputs), "", calibration)
    except ExportError as error:
        return Insights(None, str(error), calibration)
