"""Whether the ONNX graph predicts what the native model predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..table import InputColumn
from .predictors import Columns, FittedModel, Floats, WeightedEnsemble
from .tensors import tensor_names

# Rows compared at least; where fewer are held out, more of those made of them are.
_LEAST_ROWS = 2000
_PROBED_ROWS = 200
_KINDS = 4
_UNSEEN = "\u2022 a value never seen in training"


@dataclass(frozen=True)
class Parity:
    """How far ONNX and native predictions are apart; `reason` says why it did not pass."""

    row_count: int
    max_difference: float
    tolerance: float
    passed: bool
    reason: str = ""


def check_parity(
    onnx_bytes: bytes,
    model: FittedModel | WeightedEnsemble,
    columns: Columns,
    inputs: Sequence[InputColumn] | None = None,
    tolerance: float = 1e-5,
) -> Parity:
    """Compare on the given rows and on rows made of them: with each column missing in turn, with unseen values; 2,000
    rows at least.

    The difference is absolute for probabilities, relative for values (to the native value, or to the mean size of those
    of the given rows where that is larger).
    """
    described = list(inputs) if inputs is not None else _describe(columns)
    rows = with_probes(columns, described)
    native = model.predict_columns(rows)
    try:
        exported = run_onnx(onnx_bytes, rows, described)
    except Exception as error:  # noqa: BLE001  # whatever ONNX Runtime refuses is a reason to serve natively
        return Parity(len(native), float("inf"), tolerance, False, f"ONNX Runtime can't run the graph: {error}")
    difference = np.abs(exported.reshape(native.shape) - native)
    if not model.classes:
        usual = float(np.mean(np.abs(native[: len(next(iter(columns.values())))])))
        difference = difference / np.maximum(np.abs(native), max(usual, 1e-12))
    largest = float(np.max(difference)) if difference.size else 0.0
    passed = bool(largest <= tolerance)
    kind = "probabilities" if model.classes else "values, relatively,"
    reason = "" if passed else f"ONNX and native {kind} differ by up to {largest:.3g}, more than {tolerance:g}"
    return Parity(len(native), largest, tolerance, passed, reason)


def run_onnx(onnx_bytes: bytes, columns: Columns, inputs: Sequence[InputColumn]) -> Floats:
    """The graph's predictions on one thread: probabilities [n, classes] or values [n, 1]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_bytes, options, providers=["CPUExecutionProvider"])
    names = tensor_names(inputs)
    feeds = {names[column.name]: columns[column.name].reshape(-1, 1) for column in inputs}
    return np.asarray(session.run(None, feeds)[0], dtype=np.float64)


def with_probes(columns: Columns, inputs: Sequence[InputColumn]) -> Columns:
    """The rows, followed by copies in which columns are missing, unseen or extreme: 200 of each kind, or as many as it
    takes to reach 2,000 rows. A row that is copied again lacks another column.
    """
    count = len(next(iter(columns.values())))
    kind = np.arange(max(_PROBED_ROWS, -((count - _LEAST_ROWS) // _KINDS)) if count else 0)
    rows = np.concatenate([np.arange(count), *([kind % max(1, count)] * _KINDS)])
    turn = (kind + kind // max(1, count)) % max(1, len(inputs))
    result: Columns = {}
    for index, column in enumerate(inputs):
        values = columns[column.name][rows].copy()
        one, two, three, four = (count + len(kind) * part + kind for part in range(_KINDS))
        is_text = column.kind == "text"
        values[one[turn == index]] = "" if is_text else np.nan
        values[two[turn == index]] = _UNSEEN if is_text else 1e30
        values[three] = "" if is_text else np.nan
        values[four[turn != index]] = _UNSEEN if is_text else -12345.678
        result[column.name] = values
    return result


def _describe(columns: Columns) -> list[InputColumn]:
    return [InputColumn(name, "text" if values.dtype == object else "number") for name, values in columns.items()]
