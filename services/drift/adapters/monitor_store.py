"""Monitors in the database. Functions take the caller's connection: what belongs together is one transaction."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from fairlead.kit.errors import NotFound

from ..domain.monitor import Monitor
from ..domain.policy import Policy
from ..domain.severity import Severity
from .state_json import load_performance
from .tables import ALERTS, ARMS, EARLY_TRUTHS, MONITORS, REPORTS, REQUESTS, SPLITS, VERSIONS

_CURRENT = (VERSIONS.c.deployment == MONITORS.c.deployment) & (VERSIONS.c.model_version == MONITORS.c.model_version)
_WITH_VERSION = select(MONITORS, VERSIONS.c.open_window_rows, VERSIONS.c.performance).outerjoin(VERSIONS, _CURRENT)


def project_of(deployment: str) -> str:
    """Return the project's id in a deployment's name."""
    return deployment.split("/")[1]


def find_monitor(connection: Connection, deployment: str) -> Monitor | None:
    """Return the monitor of a deployment, or None."""
    row = connection.execute(_WITH_VERSION.where(MONITORS.c.deployment == deployment)).one_or_none()
    return _monitor(row) if row else None


def get_monitor(connection: Connection, deployment: str) -> Monitor:
    """Return the monitor of a deployment. Raises NotFound."""
    monitor = find_monitor(connection, deployment)
    if monitor is None:
        name = deployment.replace("/deployments/", "/monitors/")
        raise NotFound(f"'{name}' is not there; a monitor is made with its deployment", resource=name)
    return monitor


def lock_monitor(connection: Connection, deployment: str) -> Monitor | None:
    """Return the monitor, which nobody else changes until the transaction ends; None where there is none."""
    # Nothing to SQLite, where a writing transaction is alone from its beginning.
    lock = select(MONITORS.c.deployment).where(MONITORS.c.deployment == deployment).with_for_update()
    connection.execute(lock).all()
    return find_monitor(connection, deployment)


def list_monitors(connection: Connection, project: str, limit: int, after: str) -> list[Monitor]:
    """Return a project's monitors by name, those after the given deployment."""
    query = _WITH_VERSION.where(MONITORS.c.project == project, MONITORS.c.deployment > after)
    return [_monitor(row) for row in connection.execute(query.order_by(MONITORS.c.deployment).limit(limit))]


def all_deployments(connection: Connection) -> list[str]:
    """Return the deployments that have a monitor."""
    return list(connection.scalars(select(MONITORS.c.deployment).order_by(MONITORS.c.deployment)))


def insert_monitor(connection: Connection, monitor: Monitor) -> None:
    """Keep a new monitor."""
    connection.execute(
        insert(MONITORS).values(
            deployment=monitor.deployment, project=project_of(monitor.deployment), **_values(monitor)
        )
    )


def update_monitor(connection: Connection, monitor: Monitor) -> None:
    """Keep a changed monitor."""
    connection.execute(update(MONITORS).where(MONITORS.c.deployment == monitor.deployment).values(_values(monitor)))


def delete_monitor(connection: Connection, deployment: str) -> None:
    """Forget a monitor with all that belongs to it."""
    for table in (MONITORS, VERSIONS, REPORTS, ALERTS, REQUESTS, EARLY_TRUTHS, SPLITS, ARMS):
        connection.execute(delete(table).where(table.c.deployment == deployment))


def _values(monitor: Monitor) -> dict[str, Any]:
    values = asdict(monitor)
    for name in ("deployment", "open_window_rows", "performance"):
        del values[name]
    return values | {"policy": json.dumps(asdict(monitor.policy)), "severity": int(monitor.severity)}


def _monitor(row: Row[Any]) -> Monitor:
    values = dict(row._mapping)
    del values["project"]
    performance = load_performance(values.pop("performance") or "")
    return Monitor(
        **values
        | {
            "policy": Policy(**json.loads(values["policy"])),
            "severity": Severity(values["severity"]),
            "open_window_rows": values["open_window_rows"] or 0,
            "performance": performance.metrics() if performance else {},
        }
    )
