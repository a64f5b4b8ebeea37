"""What a change of traffic makes of a deployment: its split, what a rollback returns to, and the steps to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument

from .deployment import Deployment
from .split import Step, Target, Traffic, check_traffic, divided, sole

MOST_STEPS = 100


def serve(deployment: Deployment, model_version: str, package_blob: str) -> Deployment:
    """Return the deployment with one version alone; steps to come are dropped."""
    traffic = sole(model_version, package_blob)
    if _served(deployment.traffic) == _served(traffic):
        return _changed(deployment, deployment.traffic, deployment.previous_traffic)
    return _changed(deployment, traffic, deployment.traffic)


def split(deployment: Deployment, traffic: Sequence[Target], steps: Sequence[Step]) -> Deployment:
    """Return the deployment with another split, or with the one it has where none is given, and with these steps."""
    steps = tuple(sorted(steps, key=lambda step: step.time))
    if not traffic:
        return replace(deployment, steps=steps, in_rollout=False, schedule_error="")
    changed = _changed(deployment, divided(traffic, deployment.traffic), deployment.traffic)
    return replace(changed, steps=steps, in_rollout=bool(steps))


def promote(deployment: Deployment, model_version: str) -> Deployment:
    """Return the deployment with one version of its split alone; empty means the only one beside the champion.

    Raises FailedPrecondition where that is none or several, or where the version is not in the split.
    """
    challengers = deployment.traffic[1:]
    if model_version:
        challengers = tuple(target for target in deployment.traffic if target.model_version == model_version)
        if not challengers:
            raise FailedPrecondition(
                f"{model_version} is not in the split of '{deployment.name}'; update the deployment to serve it",
                resource=deployment.name,
            )
    if not challengers:
        raise FailedPrecondition(
            f"'{deployment.name}' serves one version alone; there is none to promote", resource=deployment.name
        )
    if len(challengers) > 1:
        named = ", ".join(target.model_version for target in challengers)
        raise FailedPrecondition(f"any of {named} could be meant; say which to promote", resource=deployment.name)
    return serve(deployment, challengers[0].model_version, challengers[0].package_blob)


def roll_back(deployment: Deployment) -> Deployment:
    """Return the deployment with the split before this one: before its first step, where it came in steps.

    Raises FailedPrecondition where nothing was served before.
    """
    if not deployment.previous_traffic:
        raise FailedPrecondition(
            f"'{deployment.name}' served nothing before this; there is nothing to roll back to",
            resource=deployment.name,
        )
    return _changed(deployment, deployment.previous_traffic, deployment.traffic)


def take_step(deployment: Deployment, now: datetime) -> Deployment:
    """Return the deployment with the split of its last step that is due; those before it are over."""
    due = [step for step in deployment.steps if step.time <= now]
    later = deployment.steps[len(due) :]
    # A rollback undoes the whole plan, not its last step alone.
    previous = deployment.previous_traffic if deployment.in_rollout else deployment.traffic
    changed = _changed(deployment, divided(due[-1].traffic, deployment.traffic), previous)
    return replace(changed, steps=later, in_rollout=bool(later))


def stop_schedule(deployment: Deployment, reason: str) -> Deployment:
    """Return the deployment as it is, without steps to come, and with the reason."""
    return replace(deployment, steps=(), in_rollout=False, schedule_error=reason)


def check_steps(steps: Sequence[Step], now: datetime) -> None:
    """Raise InvalidArgument for steps that are not to come, at the same time, or no splits."""
    if len(steps) > MOST_STEPS:
        raise _bad_step("steps", f"{len(steps)} steps are too many; at most {MOST_STEPS} are possible")
    for index, step in enumerate(steps):
        field = f"steps[{index}]"
        if step.time <= now:
            raise _bad_step(f"{field}.time", f"is {step.time.isoformat()}, which is over; give a time to come")
        if any(step.time == other.time for other in steps[:index]):
            raise _bad_step(f"{field}.time", "is another step's time; give each its own")
        if not step.traffic:
            raise _bad_step(f"{field}.traffic", "is empty; name the versions that answer then")
        check_traffic(step.traffic, f"{field}.traffic")


def _changed(deployment: Deployment, traffic: Traffic, previous: Traffic) -> Deployment:
    return replace(
        deployment, traffic=traffic, previous_traffic=previous, steps=(), in_rollout=False, schedule_error=""
    )


def _served(traffic: Traffic) -> list[tuple[str, float, bool]]:
    return [(target.model_version, target.percent, target.shadow) for target in traffic]


def _bad_step(field: str, problem: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {problem}", violations=[FieldViolation(field, problem)])
