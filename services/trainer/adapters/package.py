"""Writing a model package: the folder that MLflow and serving load."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from fairlead.api.common.v1.table_pb2 import ColumnKind
from fairlead.api.drift.v1.reference_pb2 import Reference, ReferenceColumn
from fairlead.api.trainer.v1.model_pb2 import ModelManifest, ModelRuntime

from ..convert import column_kind_message
from ..domain.export import FittedModel, WeightedEnsemble
from ..domain.insights import Insights
from ..domain.reference import ReferenceColumn as ColumnSummary
from ..domain.reference import ReferenceSummary
from .package_insights import write_insights

_LIBRARIES = ("mlflow", "numpy", "pandas", "cloudpickle", "onnxruntime", "scikit-learn", "lightgbm", "xgboost-cpu")


def write_package(
    folder: Path,
    *,
    model: FittedModel | WeightedEnsemble,
    onnx_bytes: bytes | None,
    manifest: ModelManifest,
    reference: ReferenceSummary,
    card_text: str,
    insights: Insights | None = None,
) -> None:
    """Write the package into `folder`, which is made if absent; without insights it can only predict.

    `onnx_bytes` may be None only when the manifest's runtime is native; else ValueError is raised.
    """
    if onnx_bytes is None and manifest.runtime == ModelRuntime.MODEL_RUNTIME_ONNX:
        raise ValueError("The manifest says that ONNX serves, but there is no ONNX model.")
    (folder / "native").mkdir(parents=True, exist_ok=True)
    (folder / "native" / "model.pkl").write_bytes(pickle_by_value(model))
    if onnx_bytes is not None:
        (folder / "model.onnx").write_bytes(onnx_bytes)
    (folder / "manifest.json").write_text(MessageToJson(manifest), encoding="utf-8")
    (folder / "reference.json").write_text(MessageToJson(reference_message(reference), indent=None), encoding="utf-8")
    (folder / "model_card.md").write_text(card_text, encoding="utf-8")
    if insights is not None:
        write_insights(folder, insights)
    _write_mlflow_model(folder, manifest)


def pickle_by_value(model: object) -> bytes:
    """The model with this service's classes inside, so that a process without this service can load it."""
    import cloudpickle

    root = sys.modules[__name__.removesuffix(".adapters.package")]
    cloudpickle.register_pickle_by_value(root)
    try:
        return bytes(cloudpickle.dumps(model))
    finally:
        cloudpickle.unregister_pickle_by_value(root)


def reference_message(reference: ReferenceSummary) -> Reference:
    """The reference as its contract says."""
    return Reference(row_count=reference.row_count, columns=[_column_message(column) for column in reference.columns])


def _column_message(column: ColumnSummary) -> ReferenceColumn:
    return ReferenceColumn(
        name=column.name,
        kind=column_kind_message(column.kind),
        count=column.count,
        missing_count=column.missing_count,
        edges=column.edges,
        bin_counts=column.bin_counts,
        categories=column.categories,
        category_counts=column.category_counts,
        other_count=column.other_count,
        min=column.min,
        max=column.max,
        mean=column.mean,
        stddev=column.stddev,
        is_prediction=column.is_prediction,
        quantiles=column.quantiles,
        other_missing_words=column.other_missing_words,
    )


def _write_mlflow_model(folder: Path, manifest: ModelManifest) -> None:
    """MLmodel, its code (as MLflow's models-from-code, so there is no second pickle) and its environment."""
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec
    from mlflow.types.schema import AnyType

    # MLflow refuses integers where a signature says double, so only text is declared.
    anything = AnyType()  # type: ignore[no-untyped-call]
    text = ColumnKind.COLUMN_KIND_TEXT
    specs: list[ColSpec | TensorSpec] = [
        ColSpec("string" if item.kind == text else anything, item.name, required=False) for item in manifest.inputs
    ]
    shutil.copyfile(Path(__file__).with_name("package_model.py"), folder / "model.py")
    pins = [f"{name}=={found}" for name in _LIBRARIES if (found := _installed(name))]
    (folder / "requirements.txt").write_text("\n".join(pins) + "\n", encoding="utf-8")
    running = ".".join(str(part) for part in sys.version_info[:3])
    environment = f"python: {running}\nbuild_dependencies: []\ndependencies:\n- -r requirements.txt\n"
    (folder / "python_env.yaml").write_text(environment, encoding="utf-8")
    written = Model(signature=ModelSignature(inputs=Schema(specs)))
    pyfunc.add_to_model(
        written,
        loader_module="mlflow.pyfunc.model",
        python_env="python_env.yaml",
        model_code_path="model.py",
        artifacts={"manifest": {"path": "manifest.json", "uri": "manifest.json"}},
    )
    written.save(folder / "MLmodel")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
