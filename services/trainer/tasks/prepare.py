"""The work of a "prepare" task: fit the steps once on a dataset version and keep what they did."""

from __future__ import annotations

from typing import Any

from fairlead.api.trainer.v1.preparation_pb2 import Preparation, StepReport
from fairlead.api.trainer.v1.preparation_service_pb2 import CreatePreparationRequest
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import TaskContext

from ..convert import task_type_message
from ..convert_preparation import step_reports, step_specs
from ..domain.preparation import PreparationPipeline, check_steps, drop_duplicate_rows
from ..domain.table import build_table
from .resources import DROP_DUPLICATES, Resources

# Its preparation takes every step, scaling too, so its reports are the fullest.
_REPORTING_FAMILY = "linear"


def prepare(context: TaskContext, resources: Resources) -> Preparation:
    """Fit and store a preparation. Raises InvalidArgument for a step or target that can't be.

    What is fitted here is reported only: each training fits the same steps again on its own training rows, so that
    nothing of the rows it is judged by leaks into them.
    """
    request = context.request(CreatePreparationRequest)
    ids = parse_name("projects/{project}/tasks/{task}", context.task.name)
    context.progress(0.05, "read")
    version = resources.datasets.version(request.dataset_version)
    arrow = resources.datasets.read(version, resources.settings.trainer_max_rows)
    context.log("prepare.read", f"Read {arrow.num_rows} rows and {arrow.num_columns} columns of {version.name}")
    table = build_table(arrow, request.target.column, request.target.condition, "")
    if table.dropped_rows:
        message = f"Left out {table.dropped_rows} rows without a value in the target '{request.target.column}'"
        context.log("prepare.target", message, rows=table.dropped_rows)
    steps = step_specs(request.steps)
    check_steps(steps, table)
    context.progress(0.3, "fit")
    removed = 0
    duplicates = next((step for step in steps if step.kind == DROP_DUPLICATES), None)
    if duplicates is not None:
        table, removed = drop_duplicate_rows(table)
    pipeline = PreparationPipeline(steps, _REPORTING_FAMILY)

    def log(source: str, message: str, meta: dict[str, Any]) -> None:
        context.log(source, message, **meta)

    pipeline.fit(table, log=log)
    reports = step_reports(pipeline.reports)
    if duplicates is not None:
        message = f"Removed {removed} duplicate rows, {table.row_count} are left"
        context.log("prepare.drop_duplicates", message, step=duplicates.id, rows=removed)
        reports = [r for r in reports if r.step_id != duplicates.id]
        reports.insert(0, StepReport(step_id=duplicates.id, message=message, rows_affected=removed))
    preparation = Preparation(
        name=f"projects/{ids['project']}/preparations/p{ids['task'].removeprefix('t')}",
        dataset_version=version.name,
        target=request.target,
        task_type=task_type_message(table.task_type),
        steps=request.steps,
        reports=reports,
        input_row_count=arrow.num_rows,
        output_row_count=table.row_count,
        output_columns=pipeline.feature_names,
    )
    preparation.create_time.GetCurrentTime()
    resources.preparations.put(preparation)
    message = f"{table.row_count} rows and {len(pipeline.feature_names)} features are ready for training"
    context.log("prepare.done", message, rows=table.row_count, features=len(pipeline.feature_names))
    return preparation
