"""One ONNX graph of a winner, and whether it may serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..domain.export import ExportError, FittedModel, Parity, WeightedEnsemble, check_parity, to_onnx
from ..domain.table import Columns, InputColumn

TOLERANCE = 1e-5
# Small hold-outs are compared whole; of large ones this many rows tell as much.
_ROWS = 5000


@dataclass(frozen=True)
class OnnxExport:
    """The graph (None where the model can't be written as one) and how it compares with the native model."""

    content: bytes | None
    parity: Parity

    def sentence(self) -> str:
        """What came of it, for the log."""
        if not self.parity.passed:
            return f"The native runtime will serve: {self.parity.reason}"
        return (
            f"ONNX ({len(self.content or b'') / 1e6:.1f} MB) agrees with the native model on {self.parity.row_count}"
            f" held-out and probing rows within {self.parity.max_difference:.2g}"
        )


def export_onnx(winner: FittedModel | WeightedEnsemble, inputs: Sequence[InputColumn], holdout: Columns) -> OnnxExport:
    """Write the graph and compare it with the native model on held-out rows, and on rows made of them that lack values
    or hold unseen ones."""
    count = len(next(iter(holdout.values())))
    rows = np.arange(min(count, _ROWS))
    try:
        content = to_onnx(winner, inputs).SerializeToString()
    except ExportError as error:
        return OnnxExport(None, Parity(0, float("inf"), TOLERANCE, False, f"no ONNX graph: {error}"))
    parity = check_parity(content, winner, {name: v[rows] for name, v in holdout.items()}, inputs, TOLERANCE)
    return OnnxExport(content, parity)
