"""Explains a model from two files: explain.onnx, a graph that computes features, and explain.npz, what scores them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import onnxruntime as ort

from fairlead.kit.rpc import deadline

from ...domain.insights.additive_scores import AdditiveScores
from ...domain.insights.explained_parts import Link, Part, Scores, explain_predictions, explain_scores
from ...domain.insights.explanation import Explanation, Scale
from ...domain.insights.tree_shap import TreeShap
from ...domain.insights.trees import Trees
from ...domain.models.schema import Schema
from ...domain.requests.columns import Array, Columns
from .onnx_runtime import ERRORS_ONLY

BLOCK_ROWS = 64
"""Rows that are explained between two looks at the time."""
Arrays = dict[str, Any]


class PackageExplainer:
    """Computes exact contributions; safe to call from many threads."""

    def __init__(self, stored: Path, features: Path, schema: Schema) -> None:
        """Load both files. Raises OSError, KeyError, TypeError or ValueError for a broken one, or what ONNX Runtime
        raises.
        """
        with np.load(stored, allow_pickle=False) as file:
            arrays: Arrays = {name: file[name] for name in file.files}
        scale = str(arrays["scale"])
        if scale not in get_args(Scale):
            raise ValueError(f"{stored.name} names the scale '{scale}', which this server doesn't know")
        self._scale = cast(Scale, scale)
        self._parts = [_part(arrays, number, len(schema.inputs)) for number in range(int(arrays["parts"]))]
        self._names = tuple(column.name for column in schema.inputs)
        self._tensors = [column.tensor for column in schema.inputs]
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        options.enable_cpu_mem_arena = False
        self._features = ort.InferenceSession(str(features), options, providers=["CPUExecutionProvider"])

    def explain(self, columns: Columns) -> Explanation:
        """Return each column's contribution to each prediction of columns as columns_of made them.

        Raises DeadlineExceeded where the caller's time is over before all of them are computed.
        """
        feed = {tensor: column.reshape(-1, 1) for tensor, column in zip(self._tensors, columns, strict=True)}
        features = self._features.run(["features"], feed)[0]
        found = []
        for start in range(0, len(features), BLOCK_ROWS):
            # Nobody waits for the rest any more once this raises.
            deadline.remaining(0.0)
            found.append(self._explained(features[start : start + BLOCK_ROWS]))
        contributions = [each for each, _ in found]
        return Explanation(self._names, np.concatenate(contributions), found[0][1], self._scale)

    def _explained(self, features: Array) -> tuple[Array, Array]:
        if self._scale == "log_odds":
            return explain_scores(self._parts[0], features)
        return explain_predictions(self._parts, features)


def _part(arrays: Arrays, number: int, columns: int) -> Part:
    prefix = f"{number}."
    own = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
    link, weight = str(own.pop("link")), float(own.pop("weight"))
    if link not in get_args(Link):
        raise ValueError(f"the model has the link '{link}', which this server doesn't know")
    own["column_of"] = arrays["column_of"]
    scores: Scores
    if "roots" in own:
        scores = TreeShap(Trees(**own), columns)
    else:
        scores = AdditiveScores(**{**own, "first": int(own["first"]), "columns": columns})
    return Part(scores, cast(Link, link), weight)
