"""Stage 2: which table, and which column of it?"""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.profiler.v1.dataset_service_pb2 import GetDatasetVersionRequest

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job
from ..domain.dataset import version_name
from ..domain.target import resolve_target


def run(job: Job, _children: ChildTasks) -> str:
    """Fix the dataset version and the target. Raises NotFound, InvalidArgument."""
    spec = job.workflow.spec
    request = GetDatasetVersionRequest(name=version_name(job.project, spec.dataset))
    version = job.patiently(lambda: job.peers.datasets.GetDatasetVersion(request)).dataset_version
    target = resolve_target(spec.target, [field.name for field in version.fields]) if spec.target else None

    def edit(workflow: Workflow) -> None:
        workflow.dataset_version = version.name
        if target is not None:
            workflow.target.column, workflow.target.condition = target.column, target.condition

    job.change(edit)
    summary = f"{version.row_count:,} rows and {len(version.fields)} columns of {version.file_name}"
    if target is not None:
        summary += f"; {target.note}"
    job.log("conductor.data_source", summary)
    return summary
