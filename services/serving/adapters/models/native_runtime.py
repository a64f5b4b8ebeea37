"""Computes predictions with the pickled estimator, where the ONNX graph did not agree with it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from ...domain.models.schema import Schema
from ...domain.requests.columns import Array, Columns


class NativeRuntime:
    """Runs native/model.pkl. A pickle can run any code: packages come from the own trainer."""

    def __init__(self, path: Path, schema: Schema) -> None:
        """Load the estimator; the libraries it needs are imported now and not before."""
        with path.open("rb") as file:
            self._estimator = pickle.load(file)
        self._names = [column.name for column in schema.inputs]

    def run(self, columns: Columns) -> Array:
        """Return the estimator's output: probabilities [n, classes], or values [n]."""
        return np.asarray(self._estimator.predict_columns(dict(zip(self._names, columns, strict=True))))
