"""Alerts of serving: predictions that the log lacks, so that no window knows of them."""

from __future__ import annotations

from dataclasses import replace

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.logging import get_logger
from fairlead.kit.resources import parse_name

from .adapters import history_store
from .adapters.work import Work
from .convert import monitor_name

DEPLOYMENT = "projects/{project}/deployments/{deployment}"

_log = get_logger("fairlead.drift.unlogged")


def is_of_serving(alert: monitor_pb2.Alert) -> bool:
    """Return whether an alert is one to be stored; those of drift come back from the log, and are stored already."""
    return alert.kind == monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED


def check_alert(alert: monitor_pb2.Alert) -> None:
    """Raise InvalidArgument for an alert whose deployment's name is none, or whose own is not of its monitor."""
    parse_name(DEPLOYMENT, alert.deployment)
    if not alert.name.startswith(f"{monitor_name(alert.deployment)}/alerts/"):
        raise InvalidArgument(f"'{alert.name}' is not the name of an alert of '{alert.deployment}'")


def take_alert(work: Work, alert: monitor_pb2.Alert, kept: int) -> None:
    """Store an alert with its monitor's, the newest `kept` of them, and count it; the monitor's severity is of drift.

    That of a deployment without a monitor is left out: it ended.
    """
    monitor = work.monitor(alert.deployment)
    if monitor is None:
        work.outcome.skip("alert_without_monitor")
        _log.info("an alert of a deployment that ended is left out", deployment=alert.deployment, alert=alert.name)
        return
    history_store.add_alert(work.connection, monitor.deployment, alert.SerializeToString(), published=True)
    history_store.trim(work.connection, monitor.deployment, kept)
    work.change(replace(monitor, alert_count=monitor.alert_count + 1))
