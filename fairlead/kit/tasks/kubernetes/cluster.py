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
from kubernetes.watch import Watch
from urllib3.exceptions import HTTPError

from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.tasks.kubernetes.template import Json

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# To connect, and to be answered.
_TIMEOUT = (5.0, 15.0)
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
        self._api = api
        self._jobs = client.BatchV1Api(api)
        self._core = client.CoreV1Api(api)
        self._namespace = namespace

    def create_job(self, manifest: Json) -> None:
        """Make a Job; one of the name that exists already is left as it is."""
        with _failures("make Jobs"):
            try:
                self._jobs.create_namespaced_job(self._namespace, manifest, _request_timeout=_TIMEOUT)
            except ApiException as error:
                if error.status != 409:
                    raise

    def job(self, name: str) -> Json | None:
        """Return a Job, None where there is none."""
        with _failures("read Jobs"):
            try:
                return self._plain(self._jobs.read_namespaced_job(name, self._namespace, _request_timeout=_TIMEOUT))
            except ApiException as error:
                if error.status == 404:
                    return None
                raise

    def jobs(self, selector: str) -> list[Json]:
        """Return the Jobs with these labels."""
        with _failures("list Jobs"):
            found = self._jobs.list_namespaced_job(self._namespace, label_selector=selector, _request_timeout=_TIMEOUT)
        return [self._plain(job) for job in found.items]

    def delete_job(self, name: str) -> None:
        """Delete a Job and its pod, which has its grace period to end; it is there until the pod is gone."""
        with _failures("delete Jobs"):
            try:
                self._jobs.delete_namespaced_job(
                    name, self._namespace, propagation_policy="Foreground", _request_timeout=_TIMEOUT
                )
            except ApiException as error:
                if error.status != 404:
                    raise

    def wait_for_change(self, job: Json, seconds: int) -> None:
        """Return once the Job is not as given any more, or so many seconds later."""
        metadata = job["metadata"]
        with _failures("watch Jobs"):
            changes = Watch().stream(
                self._jobs.list_namespaced_job,
                self._namespace,
                field_selector=f"metadata.name={metadata['name']}",
                resource_version=metadata["resourceVersion"],
                timeout_seconds=seconds,
                _request_timeout=(_TIMEOUT[0], seconds + _TIMEOUT[1]),
            )
            try:
                next(changes, None)
            finally:
                changes.close()

    def pods(self, job: str) -> list[Json]:
        """Return the pods of a Job."""
        with _failures("list pods"):
            found = self._core.list_namespaced_pod(
                self._namespace, label_selector=f"batch.kubernetes.io/job-name={job}", _request_timeout=_TIMEOUT
            )
        return [self._plain(pod) for pod in found.items]

    def events(self, job: str) -> list[Json]:
        """Return what the cluster says of a Job, oldest first; nothing where this service may not know."""
        with _failures("list events"):
            try:
                found = self._core.list_namespaced_event(
                    self._namespace,
                    field_selector=f"involvedObject.kind=Job,involvedObject.name={job}",
                    _request_timeout=_TIMEOUT,
                )
            except ApiException as error:
                if error.status == 403:
                    return []
                raise
        return sorted((self._plain(event) for event in found.items), key=lambda event: event.get("lastTimestamp") or "")

    def references(self, config_map: str) -> list[Json]:
        """Return what an object says to be deleted with a ConfigMap."""
        with _failures("read the ConfigMap that Jobs are deleted with"):
            found = self._core.read_namespaced_config_map(config_map, self._namespace, _request_timeout=_TIMEOUT)
        return [{"apiVersion": "v1", "kind": "ConfigMap", "name": config_map, "uid": found.metadata.uid}]

    def last_lines(self, pod: str, container: str, count: int) -> list[str]:
        """Return the last lines that a container wrote."""
        with _failures("read logs"):
            # As bytes: the client would take a single line of JSON apart.
            told = self._core.read_namespaced_pod_log(
                pod,
                self._namespace,
                container=container,
                tail_lines=count,
                limit_bytes=_LAST_BYTES,
                _preload_content=False,
                _request_timeout=_TIMEOUT,
            )
            text: str = told.data.decode(errors="replace")
        return text.splitlines()

    def _plain(self, told: object) -> Json:
        plain: Json = self._api.sanitize_for_serialization(told)
        return plain


@contextmanager
def _failures(what: str) -> Iterator[None]:
    try:
        yield
    except HTTPError as error:
        raise Unavailable(f"the API of the cluster can't be reached to {what}: {error}") from error
    except ApiException as error:
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
