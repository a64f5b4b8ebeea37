"""Stage 7: is the winner good enough, and must a person say so?"""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import StageState
from fairlead.api.trainer.v1.run_service_pb2 import GetRunRequest

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job
from ..domain.review import judge


def run(job: Job, _children: ChildTasks) -> str:
    """Judge the run; where a person must decide, the stage is left waiting."""
    workflow = job.workflow
    trained = job.patiently(lambda: job.peers.runs.GetRun(GetRunRequest(name=workflow.run))).run
    verdict = judge(trained.metric, trained.metrics, trained.baseline_metrics, workflow.spec.require_approval)
    if verdict.ask:
        job.set_stage("review", StageState.STAGE_STATE_WAITING, summary=verdict.summary)
        job.log("conductor.review", f"waiting for a person: {verdict.summary}")
        # A cancel from before the stage was seen to wait wakes nobody.
        job.check()
    else:
        job.log("conductor.review", f"passed without asking: {verdict.summary}")
    return verdict.summary
