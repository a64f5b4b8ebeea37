"""Monitors follow deployments: made, moved to another model version and ended without asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection

from fairlead.api.drift.v1 import reference_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.logging import get_logger

from .adapters import experiment_store
from .adapters.monitor_store import delete_monitor, insert_monitor, lock_monitor, update_monitor
from .adapters.version_store import VersionStore
from .domain.experiments.split import Target, next_split
from .domain.monitor import Monitor
from .domain.policy import Policy
from .domain.severity import Severity

_log = get_logger("fairlead.drift.deployments")


class References(Protocol):
    """Where the references of model versions are found."""

    def load(self, key: str) -> reference_pb2.Reference | None:
        """Return the reference below a blob key, None where there is none."""


class Deployments:
    """Keeps a monitor for each deployment."""

    def __init__(
        self,
        versions: VersionStore,
        references: References,
        policy: Policy,
        *,
        now: Callable[[], datetime],
        reset: Callable[[str], None],
    ) -> None:
        """The policy is that of new monitors; reset is told the deployments whose grades hold no longer."""
        self._versions = versions
        self._reset = reset
        self._references = references
        self._policy = policy
        self._now = now

    def follow(self, connection: Connection, deployment: deployment_pb2.Deployment) -> bool:
        """Make or change the deployment's monitor; return False for news that is older than what is known."""
        if deployment.state == deployment_pb2.DEPLOYMENT_STATE_FAILED:
            return False
        changed = _time_of(deployment)
        monitor = lock_monitor(connection, deployment.name)
        if monitor is None:
            monitor = Monitor(
                deployment.name, deployment.model_version, self._policy, self._now(), deployment_time=changed
            )
            insert_monitor(connection, monitor)
            _log.info("a monitor was made", deployment=deployment.name, model_version=deployment.model_version)
        elif _older(changed, monitor.deployment_time):
            self._remember(connection, deployment)
            return False
        elif monitor.model_version != deployment.model_version:
            # The grade was of the former version's last window.
            moved = replace(monitor, model_version=deployment.model_version, severity=Severity.OK)
            update_monitor(connection, replace(moved, deployment_time=changed))
            self._reset(deployment.name)
            _log.info("a monitor moved", deployment=deployment.name, model_version=deployment.model_version)
        else:
            update_monitor(connection, replace(monitor, deployment_time=changed))
        self._remember(connection, deployment)
        self._begin(connection, deployment, changed or self._now())
        return True

    def end(self, connection: Connection, deployment: deployment_pb2.Deployment) -> bool:
        """Forget the deployment's monitor; return False where a newer deployment of the name is known by now."""
        monitor = lock_monitor(connection, deployment.name)
        if monitor is None or _older(_time_of(deployment), monitor.deployment_time):
            return False
        delete_monitor(connection, deployment.name)
        self._reset(deployment.name)
        _log.info("a monitor ended", deployment=deployment.name)
        return True

    def _begin(self, connection: Connection, deployment: deployment_pb2.Deployment, time: datetime) -> None:
        """Keep the deployment's split where it is another than before."""
        splits = experiment_store.splits_of(connection, deployment.name)
        begun = next_split(splits, targets_of(deployment), time)
        if begun is None:
            return
        experiment_store.add_split(connection, deployment.name, begun)
        if len(begun.targets) > 1 and (not splits or begun.experiment != splits[-1].experiment):
            _log.info("an experiment began", deployment=deployment.name, number=begun.experiment)

    def _remember(self, connection: Connection, deployment: deployment_pb2.Deployment) -> None:
        """Keep the versions that answer, with the references of those that are known to have one."""
        name = deployment.name
        blobs = {target.model_version: target.reference_blob for target in deployment.traffic}
        blobs[deployment.model_version] = deployment.reference_blob or blobs.get(deployment.model_version, "")
        for model_version, blob in blobs.items():
            known = self._versions.known(connection, name, model_version)
            if known and (not blob or self._versions.has_reference(connection, name, model_version)):
                continue
            reference = self._references.load(blob)
            if reference is None:
                _log.warning(
                    "the model has no drift reference; its traffic is counted, not judged",
                    deployment=name,
                    model_version=model_version,
                )
                if known:
                    continue
            try:
                self._versions.add(connection, name, model_version, reference)
            except InvalidArgument as error:
                _log.error("traffic is counted, not judged", deployment=name, error=error.message)
                self._versions.add(connection, name, model_version, None)


def targets_of(deployment: deployment_pb2.Deployment) -> tuple[Target, ...]:
    """Return who answers, the champion first and shadows last; one of an earlier serving has no split."""
    if not deployment.traffic:
        return (Target(deployment.model_version, 100.0),)
    targets = [
        Target(each.model_version, 0.0 if each.shadow else each.percent, each.shadow) for each in deployment.traffic
    ]
    return tuple(sorted(targets, key=lambda each: (each.shadow, each.model_version != deployment.model_version)))


def versions_of(deployment: deployment_pb2.Deployment) -> set[str]:
    """Return the versions that answer, or predict as shadows."""
    return {target.model_version for target in targets_of(deployment)}


def _time_of(deployment: deployment_pb2.Deployment) -> datetime | None:
    return deployment.update_time.ToDatetime(tzinfo=UTC) if deployment.HasField("update_time") else None


def _older(news: datetime | None, known: datetime | None) -> bool:
    return news is not None and known is not None and news < known
