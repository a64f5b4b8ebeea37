"""The model: one ONNX graph of preparation and model, or the pickled estimator where the graph disagreed with it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .manifest import FOLDER, NATIVE_MODEL, ONNX_MODEL, TEXT, Manifest, read_manifest

Array = NDArray[Any]
Compute = Callable[[list[Array]], Array]
ERRORS_ONLY = 3


@dataclass(frozen=True)
class Predicted:
    """Labels and probabilities [n, classes] of n rows, or values [n]."""

    labels: list[str] | None = None
    probabilities: Array | None = None
    values: Array | None = None


class Model:
    """Predicts from columns; safe to call from many threads."""

    def __init__(self, manifest: Manifest, compute: Compute) -> None:
        self.manifest = manifest
        self._compute = compute

    def predict(self, columns: list[Array]) -> Predicted:
        """Return the predictions for columns [n] in the manifest's order, as rows.py makes them."""
        output = self._compute(columns).astype(np.float64, copy=False)
        if not self.manifest.classes:
            return Predicted(values=output.reshape(len(columns[0])))
        classes = self.manifest.classes
        return Predicted(labels=[classes[best] for best in output.argmax(axis=1).tolist()], probabilities=output)


@cache
def the_model() -> Model:
    """Return the Bento's own model, loaded once and warmed up by a row of missing values.

    Raises what the runtime raises for a broken file.
    """
    manifest = read_manifest(FOLDER)
    model = Model(manifest, _native(FOLDER, manifest) if manifest.native else _onnx(FOLDER, manifest))
    model.predict([np.array([""], dtype=object) if c.kind == TEXT else np.array([np.nan]) for c in manifest.columns])
    return model


def _onnx(folder: Path, manifest: Manifest) -> Compute:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(folder / ONNX_MODEL, options, providers=["CPUExecutionProvider"])
    tensors = [column.tensor for column in manifest.columns]
    outputs = ["probabilities" if manifest.classes else "value"]

    def compute(columns: list[Array]) -> Array:
        feed = {tensor: column.reshape(-1, 1) for tensor, column in zip(tensors, columns, strict=True)}
        return np.asarray(session.run(outputs, feed)[0])

    return compute


def _native(folder: Path, manifest: Manifest) -> Compute:
    # A pickle can run any code; this one came with the Bento, as the code around it did.
    with (folder / NATIVE_MODEL).open("rb") as file:
        estimator = pickle.load(file)
    names = [column.name for column in manifest.columns]

    def compute(columns: list[Array]) -> Array:
        return np.asarray(estimator.predict_columns(dict(zip(names, columns, strict=True))))

    return compute
