"""What the objects of a Job say: how it ended, and what keeps it from starting.

Pure, on objects as the API gives them.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from fairlead.kit.errors import DeadlineExceeded, FailedPrecondition, ResourceExhausted, Unavailable
from fairlead.kit.tasks.kubernetes.template import Json, worker_of
from fairlead.kit.tasks.runner import Ending
from fairlead.kit.tasks.worker import INTERRUPTED

# What the kubelet leaves of a pod that it was to end and could not, as with its node: time of deletion, and so long.
LOST_AFTER = timedelta(seconds=20)
_ENDED_FROM_OUTSIDE = {128 + signal.SIGKILL, 128 + signal.SIGTERM}
_COULD_NOT_START = {"StartError", "ContainerCannotRun"}
# The kubelet's words where a pod took more disk than it may; it would do so again.
_OVER_ITS_DISK = re.compile(r"ephemeral.*exceed|EmptyDir.*exceed", re.IGNORECASE)


def interrupted(reason: str) -> Ending:
    """Return the ending of work that is to be done again in another pod."""
    return Ending(INTERRUPTED, Unavailable(reason))


def ending_of(job: Json, pods: Sequence[Json]) -> Ending | None:
    """Return how a Job ended, None while it runs.

    A pod that was deleted or evicted, or that died with its node, is an interruption; one over its memory limit, or
    whose process ended by itself, is not.
    """
    conditions = _true_conditions(job)
    if "Complete" in conditions:
        return Ending(0)
    if "Failed" not in conditions:
        return None
    if conditions["Failed"].get("reason") == "DeadlineExceeded":
        seconds = job["spec"]["activeDeadlineSeconds"]
        return Ending(
            1,
            DeadlineExceeded(
                f"the work had not ended after {seconds} seconds, the deadline of its Job; give it less to do, "
                "or raise FAIRLEAD_JOB_DEADLINE_SECONDS"
            ),
        )
    if not pods:
        return interrupted("the pod of the work was taken away")
    return _ending_of_pod(newest(pods))


def newest(pods: Sequence[Json]) -> Json:
    """Return the pod that was made last."""
    return max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))


def is_lost(pods: Sequence[Json], now: datetime) -> bool:
    """Return whether a pod should have ended long ago and nobody says that it has, as where its node is gone."""
    ends = [datetime.fromisoformat(end) for pod in pods if (end := pod["metadata"].get("deletionTimestamp"))]
    return bool(ends) and now > max(ends) + LOST_AFTER


def has_started(pods: Sequence[Json]) -> bool:
    """Return whether the container of the work has ever run."""
    return any(state.keys() & {"running", "terminated"} for pod in pods for state in _worker_states(pod))


def obstacle_of(pods: Sequence[Json], events: Sequence[Json]) -> str:
    """Return in words what keeps a Job's work from starting, "" where nothing is known to.

    `events` are the cluster's about the Job, oldest first; they tell why there is no pod.
    """
    if not pods:
        refusals = [event for event in events if event.get("reason") == "FailedCreate"]
        return f"no pod could be made: {refusals[-1].get('message', '')}" if refusals else ""
    pod = newest(pods)
    for condition in pod.get("status", {}).get("conditions", []):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return f"no node has room for its pod: {condition.get('message', '')}"
    for status in _statuses(pod):
        waiting = status.get("state", {}).get("waiting", {})
        if waiting.get("reason", "").startswith(("ErrImage", "ImagePull", "InvalidImage")):
            return f"its image '{status.get('image')}' can't be had: {_said(waiting)}"
        if waiting.get("reason", "").endswith("Error"):
            return f"its container can't be made: {_said(waiting)}"
    return ""


def age(job: Json, now: datetime) -> timedelta:
    """Return how long ago the Job was made."""
    return now - datetime.fromisoformat(job["metadata"]["creationTimestamp"])


def _ending_of_pod(pod: Json) -> Ending:
    status = pod.get("status", {})
    terminated = next((state["terminated"] for state in _worker_states(pod) if "terminated" in state), None)
    if status.get("reason") == "Evicted" and _OVER_ITS_DISK.search(status.get("message", "")):
        return Ending(
            1, ResourceExhausted(f"the work took more disk than its pod may: {status['message']}; raise its limit")
        )
    if terminated is not None and terminated.get("reason") == "OOMKilled":
        return Ending(128 + signal.SIGKILL, _out_of_memory(pod))
    if (why := _taken_away(pod)) is not None:
        return interrupted(f"the pod of the work was taken away ({why})")
    if terminated is None:
        return interrupted(f"the pod of the work failed ({_said(status) or 'nothing is known of its end'})")
    if terminated.get("reason") in _COULD_NOT_START:
        return Ending(
            terminated["exitCode"],
            FailedPrecondition(f"the work could not be started: {terminated.get('message', '')}"),
        )
    if terminated["exitCode"] in _ENDED_FROM_OUTSIDE:
        return interrupted(f"the work was killed (exit code {terminated['exitCode']})")
    return Ending(terminated["exitCode"])


def _out_of_memory(pod: Json) -> ResourceExhausted:
    limit = worker_of(pod["spec"]).get("resources", {}).get("limits", {}).get("memory")
    what = f"passed its memory limit of {limit}" if limit else "ran out of memory, and so did its node"
    return ResourceExhausted(
        f"the work {what}; raise resources.limits.memory of its pod (jobs.resources in the Helm chart), or give it "
        "less data"
    )


def _taken_away(pod: Json) -> str | None:
    disruption = _true_conditions(pod).get("DisruptionTarget")
    if disruption is not None:
        return _said(disruption)
    if pod["metadata"].get("deletionTimestamp"):
        return "it was deleted"
    # Such as Evicted, NodeShutdown, NodeLost, Preempting: set by whoever ended the pod, never by what ran in it.
    return _said(pod["status"]) if pod["status"].get("reason") else None


def _said(told: Json) -> str:
    return ": ".join(part for part in (told.get("reason", ""), told.get("message", "").strip()) if part)


def _true_conditions(told: Json) -> dict[str, Json]:
    conditions = told.get("status", {}).get("conditions") or []
    return {condition["type"]: condition for condition in conditions if condition.get("status") == "True"}


def _statuses(pod: Json) -> Iterator[Json]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _worker_states(pod: Json) -> Iterator[Json]:
    name = worker_of(pod["spec"])["name"]
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status["name"] == name:
            yield status.get("state", {})
