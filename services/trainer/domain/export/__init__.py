"""Export: what predicts, as Python objects and as one ONNX graph, and the proof that both agree."""

from __future__ import annotations

from .errors import ExportError
from .explaining import Explainable, to_explainable
from .onnx_model import to_onnx
from .parity import Parity, check_parity
from .predictors import FittedModel, WeightedEnsemble
from .tensors import tensor_names

__all__ = [
    "Explainable",
    "ExportError",
    "FittedModel",
    "Parity",
    "WeightedEnsemble",
    "check_parity",
    "tensor_names",
    "to_explainable",
    "to_onnx",
]
