"""Computes predictions with ONNX Runtime: one graph that holds preparation and model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import onnxruntime as ort

from fairlead.kit.logging import get_logger

from ...domain.models.schema import Schema, TaskType
from ...domain.requests.columns import Array, Columns

# The runtime warns of what only concerns its own optimizer.
ERRORS_ONLY = 3
LARGE_BYTES = 256 * 1024 * 1024
"""A graph above this is held as it is: compacting it would take several times its size for a moment."""
LOG = get_logger("fairlead.serving.models")


class OnnxRuntime:
    """Runs model.onnx; safe to call from many threads.

    A session made from an ONNX file keeps the file's nodes beside what it computes with. One made from ONNX Runtime's
    own format does not, and takes less than a third of the memory for a tree ensemble, so the optimized graph goes
    through that format, in memory. It is not kept on disk: it belongs to one version of ONNX Runtime and one kind of
    processor, and making it costs but some milliseconds more than reading it.
    """

    def __init__(self, path: Path, schema: Schema, *, threads: int = 1, large: int = LARGE_BYTES) -> None:
        """Load the graph; threads compute one call. Raises what ONNX Runtime raises for a broken file."""
        if path.stat().st_size > large:
            session = _session(str(path), _options(threads))
        else:
            session = _smallest_session(path, threads)
        # What the session's own run() calls once it has looked at the names again, and at devices: for a row that takes
        # a sixth of the time.
        self._run = session._sess.run
        self._tensors = [column.tensor for column in schema.inputs]
        self._outputs = ["value" if schema.task is TaskType.REGRESSION else "probabilities"]

    def run(self, columns: Columns) -> Array:
        """Return the graph's output: probabilities [n, classes], or values [n] or [n, 1]."""
        feed = {tensor: column[:, None] for tensor, column in zip(self._tensors, columns, strict=True)}
        return cast(Array, self._run(self._outputs, feed, None)[0])


def _smallest_session(path: Path, threads: int) -> ort.InferenceSession:
    try:
        return _compact_session(path, threads)
    except Exception as error:  # noqa: BLE001 - each of ONNX Runtime's errors is of a type of its own
        # Not every graph can be held in that format, or by every ONNX Runtime. A broken file is told by the next line.
        session = _session(path.read_bytes(), _options(threads))
        LOG.warning("a model is held as its file is, which takes more memory", reason=str(error))
        return session


def _compact_session(path: Path, threads: int) -> ort.InferenceSession:
    with _scratch_file() as scratch:
        saving = _options(threads)
        saving.optimized_model_filepath = scratch
        saving.add_session_config_entry("session.save_model_format", "ORT")
        # Of bytes, so that an error does not name a folder of this machine.
        _session(path.read_bytes(), saving)
        loading = _options(threads)
        # It is optimized already.
        loading.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        loading.add_session_config_entry("session.load_model_format", "ORT")
        return _session(scratch, loading)


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # Threads that spin while they wait would take the machine's few cores from other models.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An arena keeps the memory of the largest batch ever seen, in every model; without one a call is as quick.
    options.enable_cpu_mem_arena = False
    return options


def _session(model: str | bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@contextmanager
def _scratch_file() -> Iterator[str]:
    """Give the path of a file that is in memory where the system has such, and gone afterwards."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("fairlead-graph")
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"{folder}/graph.ort"
