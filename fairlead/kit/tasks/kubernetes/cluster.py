"""The few calls of the Kubernetes API that Jobs need; objects are what its JSON says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.tasks.kubernetes.template import Json

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 15.0
# Answers as they come: the client's classes refuse what a newer or older cluster leaves out.
_RAW: dict[str, Any] = {"_preload_content": False, "_request_timeout": (_CONNECT_SECONDS, _ANSWER_SECONDS)}
# 410 is of a watch whose beginning is too long ago.
_TRANSIENT = {408, 410, 429, 500, 502, 503, 504}
_LAST_BYTES = 16 * 1024


def connect(namespace: str) -> Cluster:
    """Return the cluster this process runs in, or the one that KUBECONFIG names.

    An empty namespace means the pod's own, or the context's. Raises FailedPrecondition where there is none.
    """
    configuration = client.Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
            # It is no farther than the services are, and the client pays no heed to NO_PROXY.
            configuration.proxy = None
            namespace = namespace or _NAMESPACE_FILE.read_text().strip()
        else:
            config.load_kube_config(client_configuration=configuration)
            _contexts, current = config.list_kube_config_contexts()
            namespace = namespace or current["context"].get("namespace", "default")
    except (ConfigException, OSError) as error:
        raise FailedPrecondition(f"there is no cluster to make Jobs in: {error}") from error
    return Cluster(client.ApiClient(configuration), namespace)


class Cluster:
    """One namespace. Safe to use from many threads.

    Each call raises Unavailable where the API can't be reached, FailedPrecondition where it refuses.
    """

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._jobs = client.BatchV1Api(api)
        self._core = client.CoreV1Api(api)
        self._namespace = namespace

    def create_job(self, manifest: Json) -> None:
        """Make a Job; one of the name that exists already is left as it is."""
        with _failures("make Jobs", let_pass=409):
            _json(self._jobs.create_namespaced_job(self._namespace, manifest, **_RAW))

    def job(self, name: str) -> Json | None:
        """Return a Job, None where there is none."""
        with _failures("read Jobs"):
            found = _items(
                self._jobs.list_namespaced_job(self._namespace, field_selector=f"metadata.name={name}", **_RAW)
            )
        return found[0] if found else None

    def jobs(self, selector: str) -> list[Json]:
        """Return the Jobs with these labels."""
        with _failures("list Jobs"):
            return _items(self._jobs.list_namespaced_job(self._namespace, label_selector=selector, **_RAW))

    def delete_job(self, name: str) -> None:
        """Delete a Job and its pod, which has its grace period to end; it is there until the pod is gone."""
        with _failures("delete Jobs", let_pass=404):
            _json(self._jobs.delete_namespaced_job(name, self._namespace, propagation_policy="Foreground", **_RAW))

    def wait_for_change(self, job: Json, seconds: int) -> None:
        """Return once the Job is not as given any more, or so many seconds later."""
        metadata = job["metadata"]
        limits = _RAW | {"_request_timeout": (_CONNECT_SECONDS, seconds + _ANSWER_SECONDS)}
        with _failures("watch Jobs"):
            changes = self._jobs.list_namespaced_job(
                self._namespace,
                field_selector=f"metadata.name={metadata['name']}",
                resource_version=metadata["resourceVersion"],
                watch=True,
                timeout_seconds=seconds,
                **limits,
            )
            try:
                # What has changed is read anew.
                next(changes.stream(1), None)
            finally:
                changes.close()

    def pods(self, job: str) -> list[Json]:
        """Return the pods of a Job."""
        selector = f"batch.kubernetes.io/job-name={job}"
        with _failures("list pods"):
            return _items(self._core.list_namespaced_pod(self._namespace, label_selector=selector, **_RAW))

    def events(self, job: str) -> list[Json]:
        """Return what the cluster says of a Job, oldest first; nothing where this service may not know."""
        selector = f"involvedObject.kind=Job,involvedObject.name={job}"
        found: list[Json] = []
        with _failures("list events", let_pass=403):
            found = _items(self._core.list_namespaced_event(self._namespace, field_selector=selector, **_RAW))
        return sorted(found, key=lambda event: event.get("lastTimestamp") or "")

    def references(self, config_map: str) -> list[Json]:
        """Return what an object says to be deleted with a ConfigMap."""
        with _failures("read the ConfigMap that Jobs are deleted with"):
            found = _json(self._core.read_namespaced_config_map(config_map, self._namespace, **_RAW))
        return [{"apiVersion": "v1", "kind": "ConfigMap", "name": config_map, "uid": found["metadata"]["uid"]}]

    def last_lines(self, pod: str, container: str, count: int) -> list[str]:
        """Return the last lines that a container wrote."""
        bounds = {"tail_lines": count, "limit_bytes": _LAST_BYTES}
        with _failures("read logs"):
            told = self._core.read_namespaced_pod_log(pod, self._namespace, container=container, **bounds, **_RAW)
            text: str = told.data.decode(errors="replace")
        return text.splitlines()


def _json(response: HTTPResponse) -> Json:
    """Return what an answer says; its connection is free for the next then."""
    told: Json = json.loads(response.data)
    return told


def _items(response: HTTPResponse) -> list[Json]:
    found: list[Json] = _json(response)["items"]
    return found


@contextmanager
def _failures(what: str, *, let_pass: int = 0) -> Iterator[None]:
    try:
        yield
    except HTTPError as error:
        raise Unavailable(f"the API of the cluster can't be reached to {what}: {error}") from error
    except ApiException as error:
        if error.status == let_pass:
            return
        said = _message(error)
        if error.status in _TRANSIENT:
            raise Unavailable(f"the API of the cluster could not {what}: {said}") from error
        if error.status in (401, 403):
            said = f"{said} (the service's account needs a role for this; see the how-to about Jobs)"
        raise FailedPrecondition(f"the cluster refused to {what}: {said}") from error


def _message(error: ApiException) -> str:
    try:
        told: Any = json.loads(error.body)
        return str(told["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
