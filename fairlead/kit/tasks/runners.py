"""From a service's settings to where its tasks run."""

from __future__ import annotations

from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks.local_runner import LocalRunner
from fairlead.kit.tasks.runner import Runner


def runner_for(settings: KitSettings, module: str) -> Runner:
    """Return what runs `python -m module TASK_NAME`: as child processes, or as Jobs where FAIRLEAD_RUNNER says so.

    Raises FailedPrecondition where the cluster or the Job's template can't be used.
    """
    if settings.runner == "local":
        return LocalRunner(module)
    # The client of Kubernetes takes seconds and 90 MB, which only those who make Jobs shall pay.
    from fairlead.kit.tasks.kubernetes.runner import open_kubernetes_runner

    return open_kubernetes_runner(settings, module)
