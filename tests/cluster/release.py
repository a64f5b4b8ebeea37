"""A release of the chart in a namespace of its own, which enforces the Pod Security standard "restricted"."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import waiting
from tests.cluster.commands import CommandFailed, kubectl, objects, run

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "fairlead"
VALUES = Path(__file__).with_name("values.yaml")
SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
READY_SECONDS = 300
NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
"""


class Release:
    """Fairlead as helm installs it."""

    def __init__(self, name: str, namespace: str) -> None:
        self.name = name
        self.namespace = namespace

    def make_namespace(self) -> None:
        """Make the namespace, empty: one of an earlier run goes first."""
        self.delete_namespace()
        kubectl("apply", "-f", "-", given=NAMESPACE.format(name=self.namespace))

    def delete_namespace(self) -> None:
        """Delete the namespace and all that is in it, where it is there."""
        kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=180s", seconds=200)

    def install(self, variant: str, values: Mapping[str, str], *files: Path) -> None:
        """Install a variant of ci/ with more values and files of values, and wait until everything is ready."""
        self._change("install", variant, values, *files)

    def upgrade(self, variant: str, values: Mapping[str, str], *files: Path) -> None:
        """Upgrade to a variant with more values and files of values, and wait until everything is ready."""
        self._change("upgrade", variant, values, *files)

    def roll_back(self) -> None:
        """Go back to the values before, and wait until everything is ready."""
        self.helm("rollback", self.name, "--wait", f"--timeout={READY_SECONDS}s", seconds=READY_SECONDS + 30)

    def uninstall(self) -> None:
        """Uninstall, and wait until its pods are gone."""
        self.helm("uninstall", self.name, "--wait", seconds=200)

    def test(self) -> str:
        """Return what `helm test` prints, the log of its pod included."""
        return self.helm("test", self.name, "--logs", "--timeout=600s", seconds=630)

    def helm(self, *arguments: str, seconds: float = 120.0) -> str:
        """Return what helm prints. Raises CommandFailed, with the state of the pods."""
        try:
            return run("helm", "--namespace", self.namespace, *arguments, seconds=seconds)
        except CommandFailed as error:
            raise CommandFailed(f"{error}\n{self.state()}") from error

    def kubectl(self, *arguments: str, given: str = "", seconds: float = 120.0) -> str:
        """Return what kubectl prints of this namespace."""
        return kubectl("--namespace", self.namespace, *arguments, given=given, seconds=seconds)

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """Return the objects of a kind in this namespace."""
        return objects(kind, "--namespace", self.namespace, *arguments)

    def pods(self, service: str) -> list[dict[str, Any]]:
        """Return the pods of a service that are not about to go, oldest first."""
        found = self.objects("pods", "-l", f"app.kubernetes.io/component={service}")
        staying = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return sorted(staying, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def ready_pods(self, service: str) -> list[dict[str, Any]]:
        """Return those that are ready."""
        return [pod for pod in self.pods(service) if is_ready(pod)]

    def wait_for_pods(self, service: str, wanted: int, seconds: float = READY_SECONDS) -> None:
        """Return once so many pods of a service are ready, and no more are there."""

        def are_there() -> bool:
            return len(self.ready_pods(service)) == len(self.pods(service)) == wanted

        waiting.until(are_there, f"{wanted} ready pods of {service}", seconds)

    def restart(self, service: str) -> None:
        """Replace all pods of a service, one after the other, and wait for the end of it."""
        name = f"deployment/{self.name}-{service}"
        self.kubectl("rollout", "restart", name)
        self.kubectl("rollout", "status", name, f"--timeout={READY_SECONDS}s", seconds=READY_SECONDS + 30)

    def address(self, service: str, port: int) -> str:
        """Return host:port of a service's cluster address."""
        return f"{self.cluster_ip(f'{self.name}-{service}')}:{port}"

    def cluster_ip(self, service: str) -> str:
        """Return the cluster address of a Service."""
        (found,) = [each for each in self.objects("services") if each["metadata"]["name"] == service]
        return str(found["spec"]["clusterIP"])

    def token(self) -> str:
        """Return the admin's token."""
        return self._secret("admin", "admin-token")

    def metrics_token(self) -> str:
        """Return the token of what scrapes metrics."""
        return self._secret("auth", "metrics-token")

    def state(self) -> str:
        """Return what people would look at where something does not come up: pods, events, the ends of logs."""
        parts = [
            self.kubectl("get", "pods", "-o", "wide"),
            self.kubectl("get", "events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp")[-6000:],
        ]
        waiting_for = [str(pod["metadata"]["name"]) for pod in self.objects("pods") if not is_ready(pod)]
        parts += [f"== {name}\n{self._end_of_log(name)}" for name in waiting_for]
        return "\n".join(parts)

    def _secret(self, name: str, key: str) -> str:
        secret = json.loads(self.kubectl("get", "secret", f"{self.name}-{name}", "-o", "json"))
        return base64.b64decode(secret["data"][key]).decode()

    def _end_of_log(self, pod: str) -> str:
        try:
            return self.kubectl("logs", pod, "--all-containers", "--tail=15")
        except CommandFailed as error:
            return str(error)

    def _change(self, verb: str, variant: str, values: Mapping[str, str], *more: Path) -> None:
        files = [CHART / "ci" / f"{variant}.yaml", VALUES, *more]
        self.helm(
            verb,
            self.name,
            str(CHART),
            *_flags("--values", map(str, files)),
            *_flags("--set-string", (f"{key}={value}" for key, value in values.items() if not _is_typed(value))),
            *_flags("--set", (f"{key}={value}" for key, value in values.items() if _is_typed(value))),
            "--wait",
            f"--timeout={READY_SECONDS}s",
            seconds=READY_SECONDS + 30,
        )


@contextmanager
def in_namespace(namespace: str) -> Iterator[Release]:
    """Yield what is installed in a namespace that is made for it, with nothing in it yet; both are gone at the end."""
    release = Release("fairlead", namespace)
    release.make_namespace()
    try:
        yield release
    finally:
        release.delete_namespace()


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod is ready, or has done what it was for."""
    status = pod["status"]
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    return bool(status.get("phase") == "Succeeded" or conditions.get("Ready") == "True")


def _is_typed(value: str) -> bool:
    return value in ("true", "false") or value.isdigit()


def _flags(flag: str, values: Iterable[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]
