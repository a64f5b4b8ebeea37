"""Stage 5: which model families are worth the time?"""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job
from ..domain.choice import Candidate, choose_families
from .profile import profile_of


def run(job: Job, _children: ChildTasks) -> str:
    """Write the chosen families into the spec."""
    spec = job.workflow.spec
    suggested = [Candidate(s.family, s.confidence) for s in profile_of(job).model_suggestions]
    families = choose_families(suggested, spec.families, spec.budget.ToNanoseconds() / 1e9)

    def edit(workflow: Workflow) -> None:
        workflow.spec.families[:] = families

    job.change(edit)
    summary = f"chose {', '.join(families)}"
    job.log("conductor.select_models", summary)
    return summary
