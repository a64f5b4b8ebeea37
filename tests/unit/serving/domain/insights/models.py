"""Real packages of every family, written by the trainer and opened by serving."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.trainer.v1.model_pb2 import MODEL_RUNTIME_NATIVE, MODEL_RUNTIME_ONNX, ModelInput, ModelManifest
from services.serving.adapters.models.package import load_package
from services.serving.domain.models.model import Model
from services.serving.domain.requests.columns import Columns
from services.trainer.adapters.package import write_package
from services.trainer.convert import column_kind_message
from services.trainer.domain.export import FittedModel, WeightedEnsemble, check_parity, tensor_names, to_onnx
from services.trainer.domain.export.parity import with_probes
from services.trainer.domain.insights import gather_insights
from services.trainer.domain.reference import capture_reference
from services.trainer.domain.table import TrainingTable
from tests.unit.trainer.preparation.tables import adult, sample

VERSION = "projects/p/models/m/versions/1"
TASKS = {"binary": table_pb2.TASK_TYPE_BINARY, "multiclass": table_pb2.TASK_TYPE_MULTICLASS}


@cache
def data(name: str) -> tuple[TrainingTable, TrainingTable]:
    """Rows to fit, and others; penguins has missing cells and three classes."""
    whole = {
        "adult": lambda: adult(1400),
        "penguins": lambda: sample("penguins/penguins.csv", "species", 344),
        "california": lambda: sample("california_housing/california_housing.csv.gz", "median_house_value", 1200),
    }[name]()
    rows = np.random.default_rng(3).permutation(whole.row_count)
    cut = whole.row_count * 2 // 3
    return whole.take(rows[:cut]), whole.take(rows[cut:])


def package(folder: Path, model: FittedModel | WeightedEnsemble, held_out: TrainingTable) -> Path:
    """A package as the trainer writes it, calibrated on the held-out rows."""
    content = to_onnx(model, held_out.inputs).SerializeToString()
    parity = check_parity(content, model, held_out.columns, held_out.inputs)
    predictions = model.predict_columns(held_out.columns)
    insights = gather_insights(model, held_out, parity, predictions, held_out.target_numbers())
    names = tensor_names(held_out.inputs)
    manifest = ModelManifest(
        task_type=TASKS.get(held_out.task_type, table_pb2.TASK_TYPE_REGRESSION),
        classes=held_out.classes,
        inputs=[
            ModelInput(name=c.name, kind=column_kind_message(c.kind), tensor=names[c.name]) for c in held_out.inputs
        ],
        runtime=MODEL_RUNTIME_ONNX if parity.passed else MODEL_RUNTIME_NATIVE,
        explanation_reason=insights.reason,
    )
    write_package(
        folder,
        model=model,
        onnx_bytes=content,
        manifest=manifest,
        reference=capture_reference(held_out, predictions),
        card_text="# Model\n",
        insights=insights,
    )
    return folder


def served(folder: Path, model: FittedModel | WeightedEnsemble, held_out: TrainingTable) -> Model:
    """The model as serving loads it from such a package."""
    return load_package(package(folder, model, held_out), VERSION)


def awkward(table: TrainingTable, rows: int = 60) -> dict[str, np.ndarray]:
    """Rows of the table, and as many with missing, unseen and extreme values."""
    probed = with_probes({name: values[:rows] for name, values in table.columns.items()}, table.inputs)
    return {name: values[: 6 * rows] for name, values in probed.items()}


def in_order(table: TrainingTable, columns: dict[str, np.ndarray]) -> Columns:
    """Columns as serving hands them to a model."""
    return tuple(columns[column.name] for column in table.inputs)
