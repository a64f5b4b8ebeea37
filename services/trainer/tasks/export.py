"""The work of an "export" task: package a run's winner, prove ONNX right, and register a model version."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fairlead.api.trainer.v1.model_pb2 import ModelVersion
from fairlead.api.trainer.v1.run_service_pb2 import ExportRunRequest
from fairlead.kit.database import exclusive
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import TaskContext

from ..adapters.mlflow_aliases import REGISTRY_LOCK
from ..adapters.mlflow_registry import assign_alias, register_version
from ..adapters.package import write_package
from ..adapters.registry import VERSION_NAME
from ..adapters.runs import FINISHED, RunRecord
from ..adapters.tracking import TASK_TAG
from ..adapters.winner import StoredWinner, load_winner
from ..convert import dataset_id
from ..domain.insights import gather_insights
from ..domain.model_card import write_card
from ..domain.reference import capture_reference
from ..domain.search import split_holdout
from ..domain.table import TrainingTable
from .manifest import card_facts, make_manifest
from .onnx_export import OnnxExport, export_onnx
from .resources import Resources, load_table


def export(context: TaskContext, resources: Resources) -> ModelVersion:
    """Export and return the ModelVersion; a restarted attempt registers no second one.

    Raises FailedPrecondition when the run has not finished.
    """
    request = context.request(ExportRunRequest)
    made = resources.models.of_task(context.task.name)
    if made is not None:
        return made
    record = resources.runs.get(request.name)
    if record.run.status != FINISHED:
        raise FailedPrecondition(
            f"the run '{request.name}' is {record.run.status}; only a finished run can be exported"
        )
    project = parse_name("projects/{project}/tasks/{task}", context.task.name)["project"]
    model_id = request.model_id or dataset_id(record.run.dataset_version)
    context.progress(0.1, "read")
    stored = load_winner(resources.blobs.fetch(record.winner_blob).read_bytes())
    train, holdout = _split(resources, record)
    # Callers need not send what the model does not read, such as an identifier that was dropped.
    train = train.reading(stored.winner.input_names)
    context.progress(0.3, "onnx")
    exported = export_onnx(stored.winner, train.inputs, holdout.columns)
    meta = {"rows": exported.parity.row_count, "max_difference": exported.parity.max_difference}
    context.log("export.parity", exported.sentence(), level="INFO" if exported.parity.passed else "WARNING", **meta)
    context.progress(0.6, "package")
    with tempfile.TemporaryDirectory() as draft:
        folder = Path(draft) / "model"
        version = _package(resources, record, stored, exported, train, holdout, folder, f"{project}.{model_id}")
        version.package_blob = resources.blobs.put_folder(
            folder, f"models/{project}/{model_id}/{context.task.name.rpartition('/')[2]}"
        )
        context.progress(0.8, "register")
        alias = _register(context, resources, version, folder, project, model_id)
    run = record.run
    resources.models.add(version, context.task.name)
    resources.runs.set_model_version(run, version.name)
    context.log("export.register", f"Registered {version.name} as {alias}", alias=alias)
    return resources.models.version(version.name)


def _split(resources: Resources, record: RunRecord) -> tuple[TrainingTable, TrainingTable]:
    """The run's own training and held-out rows, again."""
    table = load_table(resources, resources.preparations.get(record.run.spec.preparation))
    spec = record.run.spec
    train_rows, holdout_rows = split_holdout(table.target_numbers(), table.task_type, spec.holdout, spec.seed)
    return table.take(train_rows), table.take(holdout_rows)


def _package(
    resources: Resources,
    record: RunRecord,
    stored: StoredWinner,
    exported: OnnxExport,
    train: TrainingTable,
    holdout: TrainingTable,
    folder: Path,
    model: str,
) -> ModelVersion:
    """Write the package into the folder; the version it will be is returned without a name."""
    preparation = resources.preparations.get(record.run.spec.preparation)
    # Scores of the very model that will serve, on rows it did not see: those of other fits, as out of folds, sit
    # elsewhere where a model has few distinct scores, and would make usual traffic look drifted.
    unseen = stored.winner.predict_columns(holdout.columns)
    insights = gather_insights(stored.winner, train, exported.parity, unseen, holdout.target_numbers())
    manifest = make_manifest(record.run, train, exported, insights, stored.candidate)
    write_package(
        folder,
        model=stored.winner,
        onnx_bytes=exported.content,
        manifest=manifest,
        reference=capture_reference(train, unseen),
        insights=insights,
        card_text=write_card(card_facts(model, record, preparation, manifest)),
    )
    version = ModelVersion(run=record.run.name, manifest=manifest)
    version.create_time.GetCurrentTime()
    return version


def _register(
    context: TaskContext, resources: Resources, version: ModelVersion, folder: Path, project: str, model_id: str
) -> str:
    """Register the package with MLflow, name the version, and return the alias it got."""
    run_id = version.run.rpartition("/")[2]
    source = resources.tracking.log_folder(run_id, folder, f"model-{context.task.name.rpartition('/')[2]}")
    name = f"{project}.{model_id}"
    tags = {
        TASK_TAG: context.task.name,
        "fairlead.run": version.run,
        "fairlead.package_blob": version.package_blob,
        "fairlead.dataset_version": version.manifest.dataset_version,
        "fairlead.candidate": version.manifest.candidate,
    }
    client = resources.tracking.client
    # Of two exports at the same time only one may find that there is no champion yet.
    with exclusive(resources.settings.trainer_mlflow_url, REGISTRY_LOCK):
        number = register_version(client, name, source, run_id, tags)
        version.name = VERSION_NAME.format(project=project, model=model_id, version=number)
        return assign_alias(client, name, number)
