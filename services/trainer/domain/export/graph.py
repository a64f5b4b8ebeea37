"""Writing an ONNX graph node by node, each distinct computation once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# ai.onnx.ml 3 is the newest whose tree ensembles ONNX Runtime runs on double inputs with double thresholds for
# several targets a leaf.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 9
ML = "ai.onnx.ml"


class Value:
    """A tensor in the graph being written; arithmetic on it writes nodes. Plain numbers are doubles."""

    def __init__(self, writer: GraphWriter, name: str) -> None:
        self.writer = writer
        self.name = name

    def __add__(self, other: Value | float) -> Value:
        return self.writer.node("Add", self, other)

    def __sub__(self, other: Value | float) -> Value:
        return self.writer.node("Sub", self, other)

    def __mul__(self, other: Value | float) -> Value:
        return self.writer.node("Mul", self, other)

    def __truediv__(self, other: Value | float) -> Value:
        return self.writer.node("Div", self, other)


class GraphWriter:
    """Collects nodes and constants. The same operation on the same inputs is written once, so members of an ensemble
    share what they compute alike.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}
        self._written: dict[bytes, str] = {}

    def constant(self, array: NDArray[np.generic] | float) -> Value:
        """A constant tensor; Python numbers become double scalars."""
        values = np.asarray(array, dtype=np.float64) if isinstance(array, float | int) else np.asarray(array)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(values, f"c{len(self._constants)}")
        return Value(self, self._constants[key].name)

    def node(
        self, operator: str, *inputs: Value | NDArray[np.generic] | float, domain: str = "", **attributes: Any
    ) -> Value:
        """The single output of an operator applied to values and constants."""
        names = [(item if isinstance(item, Value) else self.constant(item)).name for item in inputs]
        node = helper.make_node(operator, names, [""], domain=domain, **attributes)
        key = node.SerializeToString(deterministic=True)
        if key not in self._written:
            name = f"n{len(self._nodes)}"
            node.output[0] = name
            self._nodes.append(node)
            self._written[key] = name
        return Value(self, self._written[key])

    def concat(self, values: Sequence[Value]) -> Value:
        """The tensors [n, k_i] side by side."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=1)

    def double(self, value: Value) -> Value:
        """The value as double."""
        return self.node("Cast", value, to=onnx.TensorProto.DOUBLE)

    def single(self, value: Value) -> Value:
        """The value rounded to float32 (and back to double), as libraries that work in float32 see it."""
        return self.double(self.node("Cast", value, to=onnx.TensorProto.FLOAT))

    def column(self, value: Value, index: int) -> Value:
        """Column `index` of [n, k], as [n, 1]."""
        return self.node("Gather", value, np.array([index], dtype=np.int64), axis=1)

    def model(
        self, inputs: Sequence[onnx.ValueInfoProto], output: Value, output_info: onnx.ValueInfoProto
    ) -> onnx.ModelProto:
        """The finished model, checked. The output gets the name that `output_info` has."""
        nodes = [*self._nodes, helper.make_node("Identity", [output.name], [output_info.name])]
        graph = helper.make_graph(nodes, "fairlead", list(inputs), [output_info], list(self._constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="fairlead")
