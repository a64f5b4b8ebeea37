"""Objects of a Job as the API of Kubernetes gives them, with what a test says of them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def job(*conditions: Json, deadline: int = 600) -> Json:
    return {
        "metadata": {"name": "fairlead-trainer-t1-1", "creationTimestamp": "2026-01-31T17:00:00Z"},
        "spec": {"activeDeadlineSeconds": deadline},
        "status": {"conditions": list(conditions)},
    }


def complete() -> Json:
    return {"type": "Complete", "status": "True"}


def failed(reason: str = "BackoffLimitExceeded") -> Json:
    return {"type": "Failed", "status": "True", "reason": reason}


def pod(status: Json, *, memory: str = "256Mi", deleted: str = "", made: str = "2026-01-31T17:00:01Z") -> Json:
    limits = {"memory": memory} if memory else {}
    metadata: Json = {"name": "fairlead-trainer-t1-1-x7k2p", "creationTimestamp": made}
    if deleted:
        metadata["deletionTimestamp"] = deleted
    containers = [{"name": "proxy"}, {"name": "worker", "resources": {"limits": limits}}]
    return {"metadata": metadata, "spec": {"containers": containers}, "status": status}


def ended(exit_code: int, reason: str = "Error", message: str = "", **status: Any) -> Json:
    """The status of a pod whose worker has ended, and whose other container has ended well."""
    terminated = {"exitCode": exit_code, "reason": reason, "message": message}
    return {
        "phase": "Failed",
        "containerStatuses": [
            {"name": "proxy", "image": "proxy:1", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
            {"name": "worker", "image": "trainer:1", "state": {"terminated": terminated}},
        ],
        **status,
    }


def waiting(reason: str, message: str = "") -> Json:
    """The status of a pod whose worker has not begun."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [{"name": "worker", "image": "trainer:1", "state": state}],
    }
