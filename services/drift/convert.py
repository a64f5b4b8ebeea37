"""Protobuf to domain and back."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.kit.errors import FieldViolation, InvalidArgument

from .domain.alerting import message
from .domain.judge import ColumnVerdict
from .domain.monitor import Monitor
from .domain.policy import Policy, problems
from .domain.severity import Severity
from .domain.watch import ClosedWindow

SEVERITIES = {
    Severity.OK: monitor_pb2.SEVERITY_OK,
    Severity.WARNING: monitor_pb2.SEVERITY_WARNING,
    Severity.CRITICAL: monitor_pb2.SEVERITY_CRITICAL,
}


def monitor_name(deployment: str) -> str:
    """Return the monitor's name of a deployment's."""
    return deployment.replace("/deployments/", "/monitors/")


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Return a moment on the wire; None stays None."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def policy_of(policy: monitor_pb2.MonitorPolicy) -> Policy:
    """Return the policy. Raises InvalidArgument naming each field that makes no sense."""
    found = Policy(
        policy.window_rows,
        policy.warning_threshold,
        policy.critical_threshold,
        policy.windows_to_alert,
        policy.windows_considered,
    )
    wrong = problems(found)
    if wrong:
        raise InvalidArgument(
            "the policy makes no sense: " + "; ".join(f"{field} {what}" for field, what in wrong),
            violations=[FieldViolation(f"policy.{field}", what) for field, what in wrong],
        )
    return found


def to_monitor(monitor: Monitor) -> monitor_pb2.Monitor:
    """Return the monitor as the API has it."""
    policy = monitor.policy
    return monitor_pb2.Monitor(
        name=monitor_name(monitor.deployment),
        deployment=monitor.deployment,
        model_version=monitor.model_version,
        policy=monitor_pb2.MonitorPolicy(
            window_rows=policy.window_rows,
            warning_threshold=policy.warning_threshold,
            critical_threshold=policy.critical_threshold,
            windows_to_alert=policy.windows_to_alert,
            windows_considered=policy.windows_considered,
        ),
        severity=SEVERITIES[monitor.severity],
        prediction_count=monitor.prediction_count,
        window_count=monitor.window_count,
        alert_count=monitor.alert_count,
        open_window_rows=monitor.open_window_rows,
        create_time=timestamp(monitor.create_time),
        last_window_time=timestamp(monitor.last_window_time),
        etag=str(monitor.revision),
        feedback_count=monitor.feedback_count,
        performance=monitor.performance,
        sampling_rate=monitor.sampling_rate,
        estimated_prediction_count=round(monitor.answered_rows),
    )


def to_report(name: str, window: ClosedWindow) -> monitor_pb2.DriftReport:
    """Return a window's report; the columns are in the model's order."""
    return monitor_pb2.DriftReport(
        name=name,
        row_count=window.rows,
        window_start=timestamp(window.start),
        window_end=timestamp(window.end),
        columns=[_column(column) for column in window.verdict.columns],
        severity=SEVERITIES[window.verdict.severity],
    )


def to_alert(
    name: str, deployment: str, model_version: str, report: str, window: ClosedWindow, now: datetime
) -> monitor_pb2.Alert:
    """Return the alert that a window raises, with the drifted columns, worst first."""
    return monitor_pb2.Alert(
        name=name,
        deployment=deployment,
        model_version=model_version,
        severity=SEVERITIES[window.alert or window.verdict.severity],
        columns=[_column(column) for column in window.verdict.drifted()],
        report=report,
        create_time=timestamp(now),
        message=message(window.verdict),
    )


def _column(column: ColumnVerdict) -> monitor_pb2.ColumnDrift:
    return monitor_pb2.ColumnDrift(
        column=column.column,
        scores=[
            monitor_pb2.DriftScore(statistic=score.statistic, value=score.value, p_value=score.p_value)
            for score in column.scores
        ],
        severity=SEVERITIES[column.severity],
        is_prediction=column.is_prediction,
        summary=column.summary,
    )
