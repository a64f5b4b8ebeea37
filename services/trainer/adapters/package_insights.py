"""The files of a package that explanations and intervals are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..domain.insights import Insights


def write_insights(folder: Path, insights: Insights) -> None:
    """Write calibration.npz, and explain.npz and explain.onnx where the model can be explained."""
    calibration = insights.calibration
    np.savez(folder / "calibration.npz", count=calibration.count, ranks=calibration.ranks, scores=calibration.scores)
    explainable = insights.explainable
    if explainable is not None:
        arrays: dict[str, Any] = {**explainable.arrays, "scale": np.array(explainable.scale)}
        np.savez_compressed(folder / "explain.npz", **arrays)
        (folder / "explain.onnx").write_bytes(explainable.features)
