"""Stage 4: make the table ready, by the suggested steps that were not left out."""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.preparation_service_pb2 import CreatePreparationRequest

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job
from ..domain.steps import Suggested, choose_steps
from .profile import profile_of


def run(job: Job, children: ChildTasks) -> str:
    """Fit the preparation once and keep its plan for the training."""
    workflow = job.workflow
    suggestions = profile_of(job).preparation_suggestions
    choice = choose_steps([Suggested(s.id, s.confidence) for s in suggestions], set(workflow.spec.skip_steps))
    if choice.unsure:
        job.log("conductor.prepare", f"left out as too unsure: {', '.join(choice.unsure)}")
    steps = [step for step in suggestions if step.id in choice.taken]
    request = CreatePreparationRequest(
        parent=job.project,
        dataset_version=workflow.dataset_version,
        target=workflow.target,
        steps=steps,
        request_id=job.request_id("prepare"),
        parent_task=job.task,
    )
    task = children.run(
        job, "prepare", lambda: job.peers.preparations.CreatePreparation(request).task, job.peers.trainer_tasks
    )
    preparation = Preparation()
    task.result.Unpack(preparation)

    def edit(changed: Workflow) -> None:
        changed.preparation = preparation.name
        changed.task_type = preparation.task_type

    job.change(edit)
    return (
        f"{len(steps)} steps: {preparation.input_row_count:,} rows to {preparation.output_row_count:,}, "
        f"{len(preparation.output_columns)} features"
    )
