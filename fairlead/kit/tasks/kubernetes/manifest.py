"""The Job of one attempt at a task, as a pure function of the task and the pod template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks.kubernetes.options import JobOptions
from fairlead.kit.tasks.kubernetes.template import Json, worker_of
from fairlead.kit.tasks.schema import TASK_NAME

TASK_LABEL = "fairlead/task"
# So that the pod of a cancelled task is gone within ten seconds, of which the cluster takes up to half.
POD_GRACE_SECONDS = 3
# How long the pod of a node that is not heard of counts as under way; the cluster's own answer is five minutes.
LOST_NODE_SECONDS = 30
_LOST_NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def job_name(task: Task) -> str:
    """Return the name of the Job of the task's attempt; the same for whoever asks."""
    return f"fairlead-{task.owner}-{_task_id(task)}-{task.attempt}"


def task_selector(task: Task) -> str:
    """Return the label selector of the Jobs of all the task's attempts."""
    return f"{TASK_LABEL}={_task_id(task)}"


def job_manifest(
    template: Json,
    module: str,
    task: Task,
    environment: Mapping[str, str],
    options: JobOptions,
    owners: Sequence[Json] = (),
) -> Json:
    """Return the Job that runs `python -m module TASK_NAME` once in the template's pod, with these variables added.

    It is tried once: attempts are the task's owner's. `owners` are references to objects that it is deleted with.
    """
    metadata = template["metadata"]
    labels = {**metadata.get("labels", {}), **_labels(task)}
    annotations = {**metadata.get("annotations", {}), "fairlead/task-name": task.name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(task),
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": list(owners),
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            # A pod that is being deleted counts as failed once it has ended, and is not replaced meanwhile.
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": options.deadline_seconds,
            "ttlSecondsAfterFinished": options.ttl_seconds,
            "template": {
                "metadata": {**metadata, "labels": labels, "annotations": annotations},
                "spec": _pod_spec(template["spec"], module, task, environment),
            },
        },
    }


def _pod_spec(given: Json, module: str, task: Task, environment: Mapping[str, str]) -> Json:
    spec = deepcopy(given)
    spec["restartPolicy"] = "Never"
    spec.setdefault("terminationGracePeriodSeconds", POD_GRACE_SECONDS)
    # Variables of services, such as FAIRLEAD_GATEWAY_PORT, would be taken for settings.
    spec.setdefault("enableServiceLinks", False)
    tolerated = {toleration.get("key") for toleration in spec.get("tolerations", [])}
    spec["tolerations"] = [
        *spec.get("tolerations", []),
        *(_toleration(taint) for taint in _LOST_NODE_TAINTS if taint not in tolerated),
    ]
    worker = worker_of(spec)
    worker["command"] = ["python", "-m", module]
    worker["args"] = [task.name]
    kept = [variable for variable in worker.get("env", []) if variable["name"] not in environment]
    worker["env"] = kept + [{"name": name, "value": value} for name, value in environment.items()]
    return spec


def _labels(task: Task) -> dict[str, str]:
    return {
        TASK_LABEL: _task_id(task),
        # An id may end with a hyphen, a label may not.
        "fairlead/project": parse_name(TASK_NAME, task.name)["project"].rstrip("-"),
        "fairlead/service": task.owner,
        "fairlead/kind": task.kind,
        "fairlead/attempt": str(task.attempt),
    }


def _toleration(taint: str) -> Json:
    return {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_NODE_SECONDS}


def _task_id(task: Task) -> str:
    return parse_name(TASK_NAME, task.name)["task"]
