"""The Job that is made of a pod template and a task."""

from __future__ import annotations

import copy
import re
from typing import Any

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.tasks.kubernetes.manifest import job_manifest, job_name, task_selector
from fairlead.kit.tasks.kubernetes.options import JobOptions

OPTIONS = JobOptions(deadline_seconds=7200, start_seconds=300, ttl_seconds=600)
TASK = Task(name="projects/shop-/tasks/t0193f3a5c1b47e6f8a90b1c2d3e4f5a6", owner="trainer", kind="train", attempt=2)
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "data"}, "annotations": {"note": "kept"}},
    "spec": {
        "serviceAccountName": "fairlead-jobs",
        "containers": [
            {"name": "proxy", "image": "proxy:1"},
            {
                "name": "worker",
                "image": "fairlead-trainer:1",
                "env": [{"name": "FAIRLEAD_HOME", "value": "/var/lib/fairlead"}, {"name": "TRACEPARENT", "value": "x"}],
                "resources": {"limits": {"memory": "2Gi"}},
            },
        ],
    },
}


def made(template: dict[str, Any] = TEMPLATE) -> dict[str, Any]:
    environment = {"FAIRLEAD_TASK_ATTEMPT": "2", "TRACEPARENT": "00-ab-cd-01"}
    return job_manifest(template, "fairlead.services.trainer.worker", TASK, environment, OPTIONS)


def pod_spec(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return spec


def test_it_runs_the_task_in_the_container_of_the_template() -> None:
    proxy, worker = pod_spec(made())["containers"]

    assert proxy == {"name": "proxy", "image": "proxy:1"}
    assert worker["command"] + worker["args"] == ["python", "-m", "fairlead.services.trainer.worker", TASK.name]
    assert (worker["image"], worker["resources"]) == ("fairlead-trainer:1", {"limits": {"memory": "2Gi"}})
    assert worker["env"] == [
        {"name": "FAIRLEAD_HOME", "value": "/var/lib/fairlead"},
        {"name": "FAIRLEAD_TASK_ATTEMPT", "value": "2"},
        {"name": "TRACEPARENT", "value": "00-ab-cd-01"},
    ]


def test_it_is_tried_once_and_bounded_in_time() -> None:
    spec = made()["spec"]

    assert (spec["backoffLimit"], spec["completions"], spec["parallelism"]) == (0, 1, 1)
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (7200, 600)
    assert spec["podReplacementPolicy"] == "Failed"
    assert pod_spec(made())["restartPolicy"] == "Never"


def test_its_name_and_labels_tell_the_task() -> None:
    manifest = made()

    assert manifest["metadata"]["name"] == job_name(TASK) == "fairlead-trainer-t0193f3a5c1b47e6f8a90b1c2d3e4f5a6-2"
    labels = manifest["metadata"]["labels"]
    assert labels == manifest["spec"]["template"]["metadata"]["labels"]
    assert labels == {
        "team": "data",
        "fairlead/task": "t0193f3a5c1b47e6f8a90b1c2d3e4f5a6",
        "fairlead/project": "shop",
        "fairlead/service": "trainer",
        "fairlead/kind": "train",
        "fairlead/attempt": "2",
    }
    assert manifest["metadata"]["annotations"] == {"note": "kept", "fairlead/task-name": TASK.name}
    assert task_selector(TASK) == "fairlead/task=t0193f3a5c1b47e6f8a90b1c2d3e4f5a6"


def test_its_pods_name_fits_for_every_service() -> None:
    longest = Task(name=TASK.name, owner="conductor", attempt=99)

    # A pod has five characters of its own and a hyphen more, and its name is its host's.
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,56}", job_name(longest))


def test_what_the_template_leaves_open_is_filled_in() -> None:
    spec = pod_spec(made())

    assert (spec["terminationGracePeriodSeconds"], spec["enableServiceLinks"]) == (3, False)
    assert [(toleration["key"], toleration["tolerationSeconds"]) for toleration in spec["tolerations"]] == [
        ("node.kubernetes.io/not-ready", 30),
        ("node.kubernetes.io/unreachable", 30),
    ]
    assert spec["serviceAccountName"] == "fairlead-jobs"


def test_what_the_template_says_stands() -> None:
    own = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300}
    template = copy.deepcopy(TEMPLATE)
    template["spec"] |= {"terminationGracePeriodSeconds": 60, "enableServiceLinks": True, "tolerations": [own]}

    spec = pod_spec(made(template))

    assert (spec["terminationGracePeriodSeconds"], spec["enableServiceLinks"]) == (60, True)
    assert [toleration["key"] for toleration in spec["tolerations"]] == [own["key"], "node.kubernetes.io/not-ready"]
    assert spec["tolerations"][0] == own


def test_the_template_stays_as_it_is() -> None:
    before = copy.deepcopy(TEMPLATE)
    made()

    assert before == TEMPLATE


def test_the_only_container_is_the_workers_whatever_its_name() -> None:
    template = {"metadata": {}, "spec": {"containers": [{"name": "main", "image": "i"}]}}

    assert pod_spec(made(template))["containers"][0]["args"] == [TASK.name]


def test_it_is_deleted_with_what_it_belongs_to() -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "fairlead-trainer-job", "uid": "u"}

    manifest = job_manifest(TEMPLATE, "a.worker", TASK, {}, OPTIONS, [owner])

    assert manifest["metadata"]["ownerReferences"] == [owner]
    assert made()["metadata"]["ownerReferences"] == []
