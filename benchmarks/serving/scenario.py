"""What everyone serves: a scikit-learn pipeline with LightGBM, 200 trees on the 14 mixed columns of Adult, and one row.

Fairlead's graph is written by Fairlead's own exporter from the very pipeline that the peers unpickle.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from google.protobuf import json_format
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import reference_pb2
from fairlead.api.trainer.v1 import model_pb2
from services.trainer.domain.export import FittedModel, tensor_names
from services.trainer.domain.preparation.blocks import CategoryBlock, FittedPreparation, NumberBlock, NumberSource
from services.trainer.domain.table import InputColumn
from services.trainer.tasks.onnx_export import export_onnx
from tests.data import SHARED_DATA

TREES = 200
BATCH_ROWS = 1000
TARGET = "income-per-year"
TOLERANCE = 1e-6
Row = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """Files of the model in a folder, the row that is asked for, and the right answer to it."""

    folder: Path
    inputs: tuple[InputColumn, ...]
    tensors: dict[str, str]
    classes: tuple[str, ...]
    rows: list[Row]
    manifest: model_pb2.ModelManifest
    probability: float
    """Of the second class, for the first row."""

    @property
    def row(self) -> Row:
        """The row of every single-row request."""
        return self.rows[0]

    @property
    def pipeline(self) -> Path:
        """The pickled scikit-learn pipeline, which takes a DataFrame."""
        return self.folder / "pipeline.pkl"

    @property
    def graph(self) -> Path:
        """The one ONNX graph."""
        return self.package / "model.onnx"

    @property
    def package(self) -> Path:
        """Fairlead's model package."""
        return self.folder / "package"

    @property
    def sample(self) -> Path:
        """The row and the inputs as JSON, for programs of other environments."""
        return self.folder / "sample.json"

    @cached_property
    def text_names(self) -> frozenset[str]:
        """Names of the text columns."""
        return frozenset(column.name for column in self.inputs if column.kind == "text")

    def check(self, probability: float, who: str) -> None:
        """End the benchmark where an answer is not the model's."""
        if abs(probability - self.probability) > TOLERANCE:
            raise SystemExit(f"{who} answers {probability}, but the model says {self.probability}")


def build(folder: Path) -> Scenario:
    """Train, export, check that graph, package and pipeline agree, and write everything below the folder."""
    table = pd.read_csv(SHARED_DATA / "adult" / "adult.csv", skipinitialspace=True, na_values=["?"])
    target = table.pop(TARGET)
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    table = table.astype({name: "float64" for name in table.columns if name not in texts})
    table[texts] = table[texts].fillna("").astype(object)
    inputs = tuple(InputColumn(name, "text" if name in texts else "number") for name in table.columns)
    train, held_out = table.iloc[:-5000], table.iloc[-5000:]
    pipeline = Pipeline([("prepare", _prepare(list(table.columns), texts)), ("model", _model())])
    pipeline.fit(train, target.iloc[:-5000])
    fitted = as_fairlead(pipeline, inputs)
    columns = {name: held_out[name].to_numpy() for name in held_out.columns}
    _agree(pipeline.predict_proba(held_out), fitted.predict_columns(columns))
    exported = export_onnx(fitted, inputs, columns)
    if not exported.parity.passed or exported.content is None:
        raise SystemExit(f"the graph does not agree with the pipeline: {exported.parity.reason}")
    manifest = _manifest(inputs, fitted.classes)
    scenario = Scenario(
        folder,
        inputs,
        tensor_names(inputs),
        fitted.classes,
        [{str(name): value for name, value in row.items()} for row in held_out.iloc[:BATCH_ROWS].to_dict("records")],
        manifest,
        float(pipeline.predict_proba(held_out.iloc[:1])[0, 1]),
    )
    _write(scenario, pipeline, exported.content)
    return scenario


def as_fairlead(pipeline: Pipeline, inputs: tuple[InputColumn, ...]) -> FittedModel:
    """Return the pipeline as Fairlead's trainer holds one: the same columns, the same categories, the same booster."""
    encoder = pipeline.named_steps["prepare"].named_transformers_["texts"]
    numbers = [column.name for column in inputs if column.kind != "text"]
    texts = [column.name for column in inputs if column.kind == "text"]
    count = len(numbers)
    blocks: list[NumberBlock | CategoryBlock] = [
        NumberBlock(
            tuple(NumberSource(name) for name in numbers), np.full(count, np.nan), np.zeros(count), np.ones(count)
        )
    ]
    for name, categories in zip(texts, encoder.categories_, strict=True):
        size = len(categories)
        # The row behind those of the categories is all zeros: what was not seen in training.
        table, keys = np.eye(size + 1, size), [str(category) for category in categories]
        missing = keys.index("") if "" in keys else size
        names = tuple(f"{name}={key}" for key in keys)
        blocks.append(CategoryBlock(name, tuple(keys), np.arange(size), table, missing, size, names))
    classes = tuple(str(label) for label in pipeline.classes_)
    return FittedModel(FittedPreparation(tuple(blocks)), pipeline.named_steps["model"], classes)


def _prepare(names: list[str], texts: list[str]) -> ColumnTransformer:
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = [name for name in names if name not in texts]
    return ColumnTransformer([("numbers", "passthrough", numbers), ("texts", encoder, texts)])


def _model() -> LGBMClassifier:
    return LGBMClassifier(n_estimators=TREES, random_state=0, n_jobs=1, verbosity=-1)


def _agree(one: Any, other: Any) -> None:
    if (difference := float(np.abs(one - other).max())) > TOLERANCE:
        raise SystemExit(f"Fairlead's form of the pipeline differs from it by {difference}")


def _manifest(inputs: tuple[InputColumn, ...], classes: tuple[str, ...]) -> model_pb2.ModelManifest:
    kinds = {"text": table_pb2.COLUMN_KIND_TEXT, "number": table_pb2.COLUMN_KIND_NUMBER}
    names = tensor_names(inputs)
    return model_pb2.ModelManifest(
        task_type=table_pb2.TASK_TYPE_BINARY,
        target=table_pb2.Target(column=TARGET),
        classes=classes,
        inputs=[
            model_pb2.ModelInput(name=column.name, kind=kinds[column.kind], tensor=names[column.name])
            for column in inputs
        ],
        runtime=model_pb2.MODEL_RUNTIME_ONNX,
        candidate="lightgbm",
    )


def _write(scenario: Scenario, pipeline: Pipeline, graph: bytes) -> None:
    scenario.package.mkdir(parents=True, exist_ok=True)
    scenario.graph.write_bytes(graph)
    (scenario.package / "manifest.json").write_text(json_format.MessageToJson(scenario.manifest), "utf-8")
    reference = reference_pb2.Reference(row_count=len(scenario.rows))
    (scenario.package / "reference.json").write_text(json_format.MessageToJson(reference), "utf-8")
    scenario.pipeline.write_bytes(pickle.dumps(pipeline))
    sample = {"row": scenario.row, "texts": sorted(scenario.text_names), "classes": scenario.classes}
    sample["tensors"] = scenario.tensors
    scenario.sample.write_text(json.dumps(sample), "utf-8")
