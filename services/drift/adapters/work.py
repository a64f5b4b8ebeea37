"""One transaction's monitors and versions: loaded once, changed in memory, saved together at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from fairlead.api.drift.v1 import monitor_pb2

from ..domain.experiments.arm import Arm
from ..domain.experiments.split import Split
from ..domain.monitor import Monitor
from ..domain.watch import ClosedWindow
from . import experiment_store
from .experiment_store import ArmKey
from .monitor_store import lock_monitor, update_monitor
from .version_store import Version, VersionStore


@dataclass
class Outcome:
    """What a transaction did, to be told once it is committed."""

    predictions: dict[str, int] = field(default_factory=dict)
    # Predictions of shadows, which are no traffic.
    shadows: dict[str, int] = field(default_factory=dict)
    feedbacks: dict[str, int] = field(default_factory=dict)
    windows: list[tuple[str, ClosedWindow]] = field(default_factory=list)
    # The last report of each deployment's current version.
    newest: dict[str, monitor_pb2.DriftReport] = field(default_factory=dict)
    # Reason -> events or truths that could not be used.
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str, count: int = 1) -> None:
        """Count what could not be used."""
        self.skipped[reason] = self.skipped.get(reason, 0) + count


class Work:
    """The unit of work of one poll's events."""

    def __init__(self, connection: Connection, versions: VersionStore) -> None:
        self.connection = connection
        self.outcome = Outcome()
        self._store = versions
        self._monitors: dict[str, Monitor | None] = {}
        self._versions: dict[tuple[str, str], Version | None] = {}
        self._splits: dict[str, tuple[Split, ...]] = {}
        self._arms: dict[ArmKey, Arm | None] = {}

    def lock(self, deployments: Iterable[str]) -> None:
        """Have the monitors of these deployments to oneself; always in one order, so that nobody waits in a circle."""
        for deployment in sorted(set(deployments)):
            self.monitor(deployment)

    def monitor(self, deployment: str) -> Monitor | None:
        """Return a deployment's monitor as it stands now, or None."""
        if deployment not in self._monitors:
            self._monitors[deployment] = lock_monitor(self.connection, deployment)
        return self._monitors[deployment]

    def version(self, deployment: str, model_version: str) -> Version | None:
        """Return a version as it stands now, or None."""
        key = deployment, model_version
        if key not in self._versions:
            self._versions[key] = self._store.find(self.connection, *key)
        return self._versions[key]

    def change(self, monitor: Monitor) -> None:
        """Take a changed monitor."""
        self._monitors[monitor.deployment] = monitor

    def change_version(self, version: Version) -> None:
        """Take a changed version."""
        self._versions[version.deployment, version.model_version] = version

    def splits(self, deployment: str) -> tuple[Split, ...]:
        """Return a deployment's splits, oldest first."""
        if deployment not in self._splits:
            self._splits[deployment] = experiment_store.splits_of(self.connection, deployment)
        return self._splits[deployment]

    def arm(self, key: ArmKey) -> Arm | None:
        """Return an arm as it stands now, or None before its first answer."""
        if key not in self._arms:
            self._arms[key] = experiment_store.find_arm(self.connection, key)
        return self._arms[key]

    def change_arm(self, key: ArmKey, arm: Arm) -> None:
        """Take a changed arm."""
        self._arms[key] = arm

    def save(self) -> None:
        """Write everything back."""
        for key, arm in self._arms.items():
            if arm is not None:
                experiment_store.save_arm(self.connection, key, arm)
        for monitor in self._monitors.values():
            if monitor is not None:
                update_monitor(self.connection, monitor)
        for version in self._versions.values():
            if version is not None:
                self._store.save(self.connection, version)
