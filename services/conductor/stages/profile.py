"""Stage 3: what is in the table, and what does it pose?"""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.profiler.v1.profile_pb2 import Profile
from fairlead.api.profiler.v1.profile_service_pb2 import CreateProfileRequest
from fairlead.api.tasks.v1.task_service_pb2 import GetTaskRequest
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job, stage_of


def profile_of(job: Job) -> Profile:
    """Return the profile that this workflow made; others may have made newer ones for other targets."""
    request = GetTaskRequest(name=stage_of(job.workflow, "profile").task)
    profile = Profile()
    job.patiently(lambda: job.peers.profiler_tasks.GetTask(request)).task.result.Unpack(profile)
    return profile


def run(job: Job, children: ChildTasks) -> str:
    """Profile the version and settle target and task type. Raises InvalidArgument where no target can be guessed."""
    workflow = job.workflow
    # What was asked for, not what an attempt before a crash guessed: the same request finds the same task.
    asked = bool(workflow.spec.target)
    request = CreateProfileRequest(
        parent=workflow.dataset_version,
        target=workflow.target if asked else None,
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

    guessed = "" if asked else f"; guessed the target '{profile.target.column}'"
    job.change(edit)
    return (
        f"{profile.row_count:,} rows, {len(profile.columns)} columns, {profile.duplicate_row_count:,} duplicates, "
        f"{len(profile.preparation_suggestions)} suggestions{guessed}{_warned(profile.warnings)}"
    )


def _warned(warnings: Sequence[str]) -> str:
    """Return the warnings as the end of a sentence: whoever reads only the summary must see them."""
    return f"; {len(warnings)} warning{'s' if len(warnings) > 1 else ''}: {' '.join(warnings)}" if warnings else ""
