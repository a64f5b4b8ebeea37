"""Computes predictions with ONNX Runtime: one graph that holds preparation and model."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import onnxruntime as ort

from ..domain.columns import Array, Columns
from ..domain.schema import Schema, TaskType

# The runtime warns of what only concerns its own optimizer.
ERRORS_ONLY = 3


class OnnxRuntime:
    """Runs model.onnx; safe to call from many threads."""

    def __init__(self, path: Path, schema: Schema, *, threads: int = 1) -> None:
        """Load the graph; threads compute one call. Raises what ONNX Runtime raises for a broken file."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # Threads that spin while they wait would take the machine's few cores from other models.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._tensors = [column.tensor for column in schema.inputs]
        self._outputs = ["value" if schema.task is TaskType.REGRESSION else "probabilities"]

    def run(self, columns: Columns) -> Array:
        """Return the graph's output: probabilities [n, classes], or values [n] or [n, 1]."""
        feed = {tensor: column.reshape(-1, 1) for tensor, column in zip(self._tensors, columns, strict=True)}
        return cast(Array, self._session.run(self._outputs, feed)[0])
