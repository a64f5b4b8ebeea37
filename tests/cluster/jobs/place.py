"""A namespace where Jobs run, and a service's state that its processes share with their pods."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from tests.cluster.commands import kubectl, objects

IMAGE = "docker.io/library/fairlead-profiler:dev"
ROLE = Path(__file__).with_name("role.yaml")
WORK = Path(__file__).with_name("job_work.py")
Json = dict[str, Any]


class Place:
    """One namespace, and what kubectl says of its Jobs."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def make(self) -> None:
        """Make the namespace, empty, with the account that services make Jobs as."""
        self.remove()
        kubectl("create", "namespace", self.namespace)
        kubectl("apply", "--namespace", self.namespace, "-f", str(ROLE))

    def remove(self) -> None:
        """Delete the namespace and all that is in it."""
        kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=120s", seconds=150)

    def client(self, account: str, folder: Path) -> client.ApiClient:
        """Return a client that may do what an account of the namespace may."""
        path = folder / f"{account}.kubeconfig"
        given: Json = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        token = kubectl("create", "token", account, "--namespace", self.namespace).strip()
        given["users"] = [{"name": given["contexts"][0]["context"]["user"], "user": {"token": token}}]
        path.write_text(yaml.safe_dump(given))
        return config.new_client_from_config(config_file=str(path))

    def jobs(self, task: str) -> list[Json]:
        """Return the Jobs of a task."""
        return objects("jobs", "--namespace", self.namespace, "-l", _label(task))

    def pods(self, task: str) -> list[Json]:
        """Return the pods of a task."""
        return objects("pods", "--namespace", self.namespace, "-l", _label(task))

    def pod(self, task: str) -> str:
        """Return the name of the only pod of a task."""
        (pod,) = self.pods(task)
        return str(pod["metadata"]["name"])


def template(home: Path, *, image: str = IMAGE, memory: str = "256Mi") -> Json:
    """Return a pod template whose work keeps its state in a folder of this machine, as this user."""
    shutil.copy(WORK, home)
    worker = {
        "name": "worker",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "FAIRLEAD_HOME", "value": str(home)}, {"name": "PYTHONPATH", "value": str(home)}],
        "resources": {"requests": {"cpu": "10m", "memory": memory}, "limits": {"memory": memory}},
        "securityContext": {
            "runAsUser": os.getuid(),
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
        },
        "volumeMounts": [{"name": "home", "mountPath": str(home)}],
    }
    volume = {"name": "home", "hostPath": {"path": str(home)}}
    return {"metadata": {}, "spec": {"containers": [worker], "volumes": [volume]}}


def _label(task: str) -> str:
    return f"fairlead/task={task.rpartition('/')[2]}"
