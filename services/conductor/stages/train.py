"""Stage 6: search, rank and ensemble."""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.trainer.v1.run_pb2 import Run, RunSpec
from fairlead.api.trainer.v1.run_service_pb2 import CreateRunRequest

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job


def run(job: Job, children: ChildTasks) -> str:
    """Train within the budget."""
    spec = job.workflow.spec
    request = CreateRunRequest(
        parent=job.project,
        spec=RunSpec(
            preparation=job.workflow.preparation,
            families=spec.families,
            budget=spec.budget,
            metric=spec.metric,
            seed=spec.seed,
        ),
        request_id=job.request_id("train"),
        parent_task=job.task,
    )
    task = children.run(job, "train", lambda: job.peers.runs.CreateRun(request).task, job.peers.trainer_tasks)
    trained = Run()
    task.result.Unpack(trained)

    def edit(workflow: Workflow) -> None:
        workflow.run = trained.name

    job.change(edit)
    figures = ", ".join(f"{name} {value:.4f}" for name, value in sorted(trained.metrics.items()))
    return f"held-out {figures} on {trained.holdout_row_count:,} rows"
