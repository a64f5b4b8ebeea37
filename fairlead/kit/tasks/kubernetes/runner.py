"""Runs the work of tasks as Jobs: one Job an attempt, named after it, so that every owner finds the same."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks.kubernetes.cluster import Cluster, connect
from fairlead.kit.tasks.kubernetes.manifest import job_manifest, job_name, task_selector
from fairlead.kit.tasks.kubernetes.options import JobOptions
from fairlead.kit.tasks.kubernetes.reading import ending_of
from fairlead.kit.tasks.kubernetes.template import Json, load_template
from fairlead.kit.tasks.kubernetes.work import JobWork


def open_kubernetes_runner(settings: KitSettings, module: str) -> KubernetesRunner:
    """Return the runner that the settings ask for. Raises FailedPrecondition where it can't work."""
    options = JobOptions(
        settings.job_deadline_seconds, settings.job_start_seconds, settings.job_ttl_seconds, settings.job_owner
    )
    template = load_template(settings.job_template_file)
    return KubernetesRunner(connect(settings.job_namespace), template, module, options)


class KubernetesRunner:
    """Runs `python -m module TASK_NAME` in pods made from a template."""

    outlives = True

    def __init__(self, cluster: Cluster, template: Json, module: str, options: JobOptions) -> None:
        self._cluster = cluster
        self._template = template
        self._module = module
        self._options = options

    def run(self, task: Task, environment: Mapping[str, str]) -> JobWork:
        """Make the attempt's Job, unless it is there, and delete those of earlier attempts that still run."""
        for job in self._cluster.jobs(task_selector(task)):
            name = job["metadata"]["name"]
            if name != job_name(task) and ending_of(job, ()) is None:
                self._cluster.delete_job(name)
        owners = self._cluster.references(self._options.owner) if self._options.owner else ()
        self._cluster.create_job(job_manifest(self._template, self._module, task, environment, self._options, owners))
        return self._work(task)

    def find(self, task: Task) -> JobWork | None:
        """Return the attempt's Job, however it stands; none that is being deleted."""
        job = self._cluster.job(job_name(task))
        if job is None or job["metadata"].get("deletionTimestamp"):
            return None
        return self._work(task)

    def _work(self, task: Task) -> JobWork:
        return JobWork(self._cluster, job_name(task), self._options.start_seconds)
