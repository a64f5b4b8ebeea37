"""Alerts of predictions that were not logged."""

from __future__ import annotations

from datetime import UTC, datetime

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft

from .losses import Cause, Loss

MEGABYTE = 1024 * 1024


def to_draft(loss: Loss, spool_bytes: int, now: datetime) -> Draft:
    """Return the alert of a loss, keyed by the deployment."""
    alert = monitor_pb2.Alert(
        name=f"{loss.deployment.replace('/deployments/', '/monitors/')}/alerts/log-{loss.id}",
        deployment=loss.deployment,
        severity=monitor_pb2.SEVERITY_CRITICAL,
        message=_message(loss, spool_bytes),
        kind=monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED,
    )
    alert.create_time.FromDatetime(now)
    lost = alert.unlogged_predictions
    lost.row_count, lost.refused = loss.span.rows, loss.refused
    lost.first_time.FromNanoseconds(loss.span.first_ns)
    lost.last_time.FromNanoseconds(loss.span.last_ns)
    return Draft(loss.deployment, events_pb2.AlertRaised(alert=alert), loss.id)


def _message(loss: Loss, spool_bytes: int) -> str:
    what = "were refused, since they could not be logged" if loss.refused else "were answered and not logged"
    why = {
        Cause.FULL: "the event log was away or slow, and the spool of "
        f"{max(1, round(spool_bytes / MEGABYTE))} MB on disk was full",
        Cause.REJECTED: "the event log refuses them for what they are; the log of serving says why",
        Cause.DAMAGED: "they could not be read back from the spool on disk, or not be published as what they are; "
        "the log of serving names the file",
    }[loss.cause]
    return (
        f"{loss.span.rows:,} predictions of {loss.deployment} between {_text(loss.span.first_ns)} and "
        f"{_text(loss.span.last_ns)} {what}: {why}."
    )


def _text(time_ns: int) -> str:
    moment = datetime.fromtimestamp(time_ns // 1_000_000 / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
