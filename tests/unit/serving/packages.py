"""Small real model packages: a pipeline trained on made-up rows, exported as the trainer lays packages out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from google.protobuf import json_format
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import reference_pb2
from fairlead.api.trainer.v1 import model_pb2

WORKCLASSES = ("Private", "State-gov", "Self-emp")
NUMBER, TEXT = table_pb2.COLUMN_KIND_NUMBER, table_pb2.COLUMN_KIND_TEXT


class ColumnEstimator:
    """What native/model.pkl holds; pickled by value, so that it loads where this module does not exist."""

    def __init__(self, pipeline: Any, names: list[str], classification: bool) -> None:
        self.pipeline, self.names, self.classification = pipeline, names, classification

    def predict_columns(self, columns: dict[str, Any]) -> Any:
        import numpy

        rows = numpy.empty((len(columns[self.names[0]]), len(self.names)), dtype=object)
        for index, name in enumerate(self.names):
            rows[:, index] = columns[name]
        return self.pipeline.predict_proba(rows) if self.classification else self.pipeline.predict(rows)


@dataclass(frozen=True)
class Package:
    """A package folder, and the pipeline that it was made from."""

    folder: Path
    manifest: model_pb2.ModelManifest
    pipeline: Any


def census_rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of (age, hours, workclass) as objects, and whether income is high."""
    random = np.random.default_rng(seed)
    age = random.integers(17, 80, count).astype(float)
    hours = random.integers(10, 70, count).astype(float)
    workclass = random.choice(WORKCLASSES, count)
    rows = np.empty((count, 3), dtype=object)
    rows[:, 0], rows[:, 1], rows[:, 2] = age, hours, workclass
    rich = age * 0.8 + hours + 8 * (workclass == "Self-emp") + random.normal(0, 6, count) > 80
    return rows, rich


def classifier(folder: Path, *, runtime: int = model_pb2.MODEL_RUNTIME_ONNX, trees: int = 5) -> Package:
    """A package that tells income (classes "<=50K" and ">50K") from age, hours and workclass."""
    rows, rich = census_rows(400)
    prepare = ColumnTransformer(
        [("number", "passthrough", [0, 1]), ("text", OneHotEncoder(handle_unknown="ignore"), [2])], sparse_threshold=0
    )
    model = RandomForestClassifier(trees, max_depth=4, random_state=0)
    pipeline = Pipeline([("prepare", prepare), ("model", model)]).fit(rows, np.where(rich, ">50K", "<=50K"))
    inputs = [("age", NUMBER, "age"), ("hours-per-week", NUMBER, "hours_per_week"), ("workclass", TEXT, "workclass")]
    manifest = manifest_of(table_pb2.TASK_TYPE_BINARY, "income", inputs, runtime, ["<=50K", ">50K"])
    return write_package(folder, manifest, pipeline)


def regressor(folder: Path) -> Package:
    """A package that tells a price from two numbers: 3 * rooms - age + 10, to rounding."""
    random = np.random.default_rng(1)
    rows = random.uniform(0, 10, (200, 2))
    prepare = ColumnTransformer([("number", "passthrough", [0, 1])])
    pipeline = Pipeline([("prepare", prepare), ("model", LinearRegression())])
    pipeline.fit(rows, 3 * rows[:, 0] - rows[:, 1] + 10)
    inputs = [("rooms", NUMBER, "rooms"), ("age", NUMBER, "age")]
    manifest = manifest_of(table_pb2.TASK_TYPE_REGRESSION, "price", inputs, model_pb2.MODEL_RUNTIME_ONNX, [])
    return write_package(folder, manifest, pipeline)


def manifest_of(
    task: int, target: str, inputs: list[tuple[str, int, str]], runtime: int, classes: list[str]
) -> model_pb2.ModelManifest:
    """A manifest with inputs given as (name, kind, tensor)."""
    return model_pb2.ModelManifest(
        task_type=task,  # type: ignore[arg-type]
        target=table_pb2.Target(column=target),
        classes=classes,
        inputs=[model_pb2.ModelInput(name=name, kind=kind, tensor=tensor) for name, kind, tensor in inputs],  # type: ignore[arg-type]
        runtime=runtime,  # type: ignore[arg-type]
        candidate="test",
    )


def write_package(folder: Path, manifest: model_pb2.ModelManifest, pipeline: Any) -> Package:
    """Lay out a fitted pipeline, which takes one column an input in the manifest's order, as the trainer does."""
    folder.mkdir(parents=True, exist_ok=True)
    types = [
        (column.tensor, StringTensorType([None, 1]) if column.kind == TEXT else DoubleTensorType([None, 1]))
        for column in manifest.inputs
    ]
    options = {"zipmap": False} if manifest.classes else None
    onnx = to_onnx(pipeline, initial_types=types, options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    if manifest.classes:
        _rename_output(onnx, 1, "probabilities")
    else:
        _rename_output(onnx, 0, "value")
    (folder / "model.onnx").write_bytes(onnx.SerializeToString())
    _write_rest(folder, manifest, pipeline)
    return Package(folder, manifest, pipeline)


def _rename_output(onnx: Any, index: int, name: str) -> None:
    old = onnx.graph.output[index].name
    onnx.graph.output[index].name = name
    for node in onnx.graph.node:
        node.output[:] = [name if output == old else output for output in node.output]
        node.input[:] = [name if given == old else given for given in node.input]


def _write_rest(folder: Path, manifest: model_pb2.ModelManifest, pipeline: Any) -> None:
    (folder / "manifest.json").write_text(json_format.MessageToJson(manifest), "utf-8")
    (folder / "reference.json").write_text(json_format.MessageToJson(reference_pb2.Reference(row_count=400)), "utf-8")
    (folder / "native").mkdir(exist_ok=True)
    names = [column.name for column in manifest.inputs]
    import tests.unit.serving.packages as here

    cloudpickle.register_pickle_by_value(here)
    try:
        estimator = ColumnEstimator(pipeline, names, bool(manifest.classes))
        (folder / "native" / "model.pkl").write_bytes(cloudpickle.dumps(estimator))
    finally:
        cloudpickle.unregister_pickle_by_value(here)
