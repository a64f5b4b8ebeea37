"""Stage 8: register the winner."""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.trainer.v1.model_pb2 import MODEL_RUNTIME_ONNX, ModelVersion
from fairlead.api.trainer.v1.run_service_pb2 import ExportRunRequest

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job


def run(job: Job, children: ChildTasks) -> str:
    """Export the run's winner as a model version."""
    workflow = job.workflow
    request = ExportRunRequest(
        name=workflow.run,
        model_id=workflow.spec.model_id or workflow.dataset_version.split("/")[3],
        request_id=job.request_id("export"),
        parent_task=job.task,
    )
    task = children.run(job, "export", lambda: job.peers.runs.ExportRun(request).task, job.peers.trainer_tasks)
    version = ModelVersion()
    task.result.Unpack(version)

    def edit(changed: Workflow) -> None:
        changed.model_version = version.name

    job.change(edit)
    runtime = "one ONNX graph" if version.manifest.runtime == MODEL_RUNTIME_ONNX else "the native runtime"
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    _, _, _, model, _, number = version.name.split("/")
    return f"{model} version {number}{aliases}, served by {runtime}"
