"""The manifest and the facts of the card of a package."""

from __future__ import annotations

from importlib.metadata import version

from fairlead.api.trainer.v1.model_pb2 import (
    MODEL_RUNTIME_NATIVE,
    MODEL_RUNTIME_ONNX,
    ModelInput,
    ModelManifest,
    ParityReport,
)
from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.run_pb2 import Run

from ..adapters.runs import RunRecord
from ..convert import column_kind_message, column_kind_name, task_type_name
from ..domain.export import tensor_names
from ..domain.insights import Insights
from ..domain.model_card import CardFacts
from ..domain.table import TrainingTable
from .onnx_export import OnnxExport

_LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "onnx", "onnxruntime", "mlflow", "cloudpickle")
_SHOWN = 10


def make_manifest(
    run: Run, train: TrainingTable, exported: OnnxExport, insights: Insights, candidate: str
) -> ModelManifest:
    """How to load and call the package."""
    tensors = tensor_names(train.inputs)
    parity = exported.parity
    return ModelManifest(
        task_type=run.task_type,
        target=run.target,
        classes=train.classes,
        inputs=[
            ModelInput(name=column.name, kind=column_kind_message(column.kind), tensor=tensors[column.name])
            for column in train.inputs
        ],
        runtime=MODEL_RUNTIME_ONNX if parity.passed else MODEL_RUNTIME_NATIVE,
        parity=ParityReport(
            row_count=parity.row_count,
            max_difference=parity.max_difference,
            tolerance=parity.tolerance,
            passed=parity.passed,
            reason=parity.reason,
        ),
        metrics=run.metrics,
        candidate=candidate,
        library_versions={name: version(name) for name in _LIBRARIES},
        dataset_version=run.dataset_version,
        explanation_scale=insights.explainable.scale if insights.explainable else "",
        explanation_reason=insights.reason,
        calibration_row_count=insights.calibration.count,
    )


def card_facts(model: str, record: RunRecord, preparation: Preparation, manifest: ModelManifest) -> CardFacts:
    """What the model card tells."""
    run, parity = record.run, manifest.parity
    onnx = manifest.runtime == MODEL_RUNTIME_ONNX
    agreed = f"equal within {parity.max_difference:.2g} on {parity.row_count} rows"
    return CardFacts(
        model=model,
        target=f"{run.target.column} {run.target.condition}".strip(),
        task_type=task_type_name(run.task_type),
        classes=tuple(manifest.classes),
        dataset_version=run.dataset_version,
        run=run.name,
        candidate=manifest.candidate,
        metric=run.metric,
        metrics=dict(run.metrics),
        baseline_metrics=dict(run.baseline_metrics),
        train_rows=run.train_row_count,
        holdout_rows=run.holdout_row_count,
        inputs=[(column.name, column_kind_name(column.kind)) for column in manifest.inputs],
        steps=[report.message for report in preparation.reports],
        leaderboard=[
            (entry.candidate, entry.score, entry.score_stddev, entry.ensemble_weight)
            for entry in record.leaderboard.entries[:_SHOWN]
        ],
        runtime="ONNX Runtime" if onnx else "the native estimator",
        parity=agreed if onnx else parity.reason,
        explanation_scale=manifest.explanation_scale,
        explanation_reason=manifest.explanation_reason,
        calibration_rows=manifest.calibration_row_count,
        seed=run.spec.seed,
    )
