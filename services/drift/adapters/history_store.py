"""Reports and alerts in the database, the newest of each monitor kept."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, insert, select, update

from .monitor_store import project_of
from .tables import ALERTS, REPORTS


def add_report(connection: Connection, deployment: str, payload: bytes) -> None:
    """Keep a serialised DriftReport."""
    connection.execute(insert(REPORTS).values(deployment=deployment, payload=payload))


def add_alert(connection: Connection, deployment: str, payload: bytes, *, published: bool = False) -> None:
    """Keep a serialised Alert, to be published once the transaction is done, or that was published already."""
    values = {"project": project_of(deployment), "deployment": deployment, "payload": payload, "published": published}
    connection.execute(insert(ALERTS).values(values))


def trim(connection: Connection, deployment: str, keep: int) -> None:
    """Forget all but the newest `keep` reports and alerts of a deployment; alerts to be published stay."""
    for table in (REPORTS, ALERTS):
        newest = select(table.c.sequence).where(table.c.deployment == deployment).order_by(table.c.sequence.desc())
        oldest_kept = newest.offset(keep - 1).limit(1).scalar_subquery()
        old = delete(table).where(table.c.deployment == deployment, table.c.sequence < oldest_kept)
        connection.execute(old.where(ALERTS.c.published) if table is ALERTS else old)


def list_reports(connection: Connection, deployment: str, limit: int, before: int) -> list[tuple[int, bytes]]:
    """Return (sequence, payload) of a deployment's reports, newest first, those before a sequence if not 0."""
    return _newest(connection, REPORTS, "deployment", deployment, limit, before)


def list_alerts(connection: Connection, deployment: str, limit: int, before: int) -> list[tuple[int, bytes]]:
    """Return (sequence, payload) of a deployment's alerts, newest first, those before a sequence if not 0."""
    return _newest(connection, ALERTS, "deployment", deployment, limit, before)


def list_project_alerts(connection: Connection, project: str, limit: int, before: int) -> list[tuple[int, bytes]]:
    """Return (sequence, payload) of a project's alerts, newest first, those before a sequence if not 0."""
    return _newest(connection, ALERTS, "project", project, limit, before)


def unpublished_alerts(connection: Connection) -> list[tuple[int, str, bytes]]:
    """Return (sequence, deployment, payload) of the alerts that were not published yet, oldest first."""
    query = select(ALERTS.c.sequence, ALERTS.c.deployment, ALERTS.c.payload).where(ALERTS.c.published.is_(False))
    return [
        (row.sequence, row.deployment, row.payload) for row in connection.execute(query.order_by(ALERTS.c.sequence))
    ]


def mark_published(connection: Connection, sequences: list[int]) -> None:
    """Store that these alerts were published."""
    connection.execute(update(ALERTS).where(ALERTS.c.sequence.in_(sequences)).values(published=True))


def _newest(
    connection: Connection, table: Table, column: str, value: str, limit: int, before: int
) -> list[tuple[int, bytes]]:
    query = select(table.c.sequence, table.c.payload).where(table.c[column] == value)
    if before:
        query = query.where(table.c.sequence < before)
    rows = connection.execute(query.order_by(table.c.sequence.desc()).limit(limit))
    return [(row.sequence, row.payload) for row in rows]
