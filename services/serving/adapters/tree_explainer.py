"""Explains a model of trees from two files: a graph that computes features, and the trees as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import numpy as np
import onnxruntime as ort

from ..domain.columns import Columns
from ..domain.explanation import Explanation, Scale
from ..domain.schema import Schema
from ..domain.tree_shap import TreeShap
from ..domain.trees import Trees
from .onnx_runtime import ERRORS_ONLY


class TreeExplainer:
    """Computes exact contributions; safe to call from many threads."""

    def __init__(self, trees: Path, features: Path, schema: Schema) -> None:
        """Load both files. Raises OSError, KeyError or ValueError for a broken one, or what ONNX Runtime raises."""
        with np.load(trees, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        scale = str(arrays.pop("scale"))
        if scale not in get_args(Scale):
            raise ValueError(f"{trees.name} names the scale '{scale}', which this server doesn't know")
        self._scale = cast(Scale, scale)
        self._shap = TreeShap(Trees(**arrays), len(schema.inputs))
        self._names = tuple(column.name for column in schema.inputs)
        self._tensors = [column.tensor for column in schema.inputs]
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        options.enable_cpu_mem_arena = False
        self._features = ort.InferenceSession(str(features), options, providers=["CPUExecutionProvider"])

    def explain(self, columns: Columns) -> Explanation:
        """Return each column's contribution to each prediction of columns as columns_of made them."""
        feed = {tensor: column.reshape(-1, 1) for tensor, column in zip(self._tensors, columns, strict=True)}
        features = self._features.run(["features"], feed)[0]
        return Explanation(self._names, self._shap.contributions(features), self._shap.base_values, self._scale)
