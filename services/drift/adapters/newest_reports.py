"""The gauges after a restart: what the newest report of each monitor says."""

from __future__ import annotations

from sqlalchemy import Engine

from fairlead.api.drift.v1 import monitor_pb2

from . import history_store, monitor_store
from .metrics import Metrics
from .version_store import VersionStore


def restore(engine: Engine, versions: VersionStore, metrics: Metrics) -> None:
    """Show the newest report of each monitor whose current version has one."""
    with engine.connect() as connection:
        for deployment in monitor_store.all_deployments(connection):
            monitor = monitor_store.get_monitor(connection, deployment)
            version = versions.find(connection, deployment, monitor.model_version)
            reports = history_store.list_reports(connection, deployment, 1, 0)
            if reports and version and version.watch and version.watch.recent:
                metrics.show(deployment, monitor_pb2.DriftReport.FromString(reports[0][1]))
