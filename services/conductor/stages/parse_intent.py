"""Stage 1: what does the person want?"""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow, WorkflowSpec

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job
from ..domain.intent import Intent, form_intent


def intent_of(spec: WorkflowSpec) -> Intent:
    """Return what a spec asks for. Raises InvalidArgument where it can't be understood."""
    return form_intent(
        spec.goal, spec.dataset, spec.target, spec.budget.ToNanoseconds() / 1e9, spec.metric, spec.families
    )


def run(job: Job, _children: ChildTasks) -> str:
    """Write the intent, made complete, back into the spec."""
    intent = intent_of(job.workflow.spec)

    def edit(workflow: Workflow) -> None:
        workflow.spec.dataset = intent.dataset
        workflow.spec.target = intent.target
        workflow.spec.budget.FromNanoseconds(int(intent.budget_seconds * 1e9))
        workflow.spec.metric = intent.metric
        workflow.spec.families[:] = intent.families

    job.change(edit)
    target = intent.target or "a target still to be guessed"
    dataset = intent.dataset.removeprefix(f"{job.project}/datasets/")
    summary = f"predict {target} from {dataset} within {intent.budget_seconds:.0f} s"
    job.log("conductor.parse_intent", summary)
    return summary
