"""Exports the pipeline with skl2onnx and onnxmltools. Usage: export_skl2onnx.py PIPELINE SAMPLE GRAPH"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

from lightgbm import LGBMClassifier
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

pipeline = pickle.loads(Path(sys.argv[1]).read_bytes())
sample = json.loads(Path(sys.argv[2]).read_text("utf-8"))
texts, tensors = set(sample["texts"]), sample["tensors"]
update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)
types = [(name, StringTensorType([None, 1]) if name in texts else FloatTensorType([None, 1])) for name in tensors]
graph = to_onnx(
    pipeline, initial_types=types, options={id(pipeline): {"zipmap": False}}, target_opset={"": 18, "ai.onnx.ml": 3}
)
old = graph.graph.output[1].name
for node in graph.graph.node:
    node.output[:] = ["probabilities" if name == old else name for name in node.output]
graph.graph.output[1].name = "probabilities"
Path(sys.argv[3]).write_bytes(graph.SerializeToString())
