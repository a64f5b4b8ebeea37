"""Stage 3: what is in the table, and what does it pose?"""

from __future__ import annotations

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.profiler.v1.profile_pb2 import Profile
from fairlead.api.profiler.v1.profile_service_pb2 import CreateProfileRequest, GetProfileRequest
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job


def last_profile(job: Job) -> Profile:
    """Return the profile of the workflow's dataset version."""
    request = GetProfileRequest(name=f"{job.workflow.dataset_version}/profile")
    return job.patiently(lambda: job.peers.profiles.GetProfile(request)).profile


def run(job: Job, children: ChildTasks) -> str:
    """Profile the version and settle target and task type. Raises InvalidArgument where no target can be guessed."""
    workflow = job.workflow
    request = CreateProfileRequest(
        parent=workflow.dataset_version,
        target=workflow.target if workflow.target.column else None,
        request_id=job.request_id("profile"),
        parent_task=job.task,
    )
    task = children.run(
        job, "profile", lambda: job.peers.profiles.CreateProfile(request).task, job.peers.profiler_tasks
    )
    profile = Profile()
    task.result.Unpack(profile)
    if not profile.target.column:
        raise InvalidArgument(
            "no column looks like a target; say what to predict",
            violations=[FieldViolation("target", "give the column to predict")],
        )

    def edit(changed: Workflow) -> None:
        changed.target.CopyFrom(profile.target)
        changed.task_type = profile.task_type

    guessed = "" if workflow.target.column else f"; guessed the target '{profile.target.column}'"
    job.change(edit)
    return (
        f"{profile.row_count:,} rows, {len(profile.columns)} columns, {profile.duplicate_row_count:,} duplicates, "
        f"{len(profile.preparation_suggestions)} suggestions{guessed}"
    )
