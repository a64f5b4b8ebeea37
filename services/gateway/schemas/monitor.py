"""Monitors, drift reports and alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Page, Request, Response
from .model import MODEL_VERSION

Severity = Literal["unspecified", "ok", "warning", "critical"]
AlertKind = Literal["unspecified", "predictions_not_logged"]
DEPLOYMENT = "projects/default/deployments/income"
MONITOR = "projects/default/monitors/income"


class MonitorPolicy(Response):
    """When a window closes and when it is an alert."""

    window_rows: int = Field(description="Rows of a window.", examples=[500])
    warning_threshold: float | None = Field(description="PSI at or above is a warning.", examples=[0.1])
    critical_threshold: float | None = Field(description="PSI at or above is critical.", examples=[0.25])
    windows_to_alert: int = Field(description="Drifted windows that make an alert ...", examples=[2])
    windows_considered: int = Field(description="... among this many of the last.", examples=[3])


class PolicyChange(Request):
    """What to change; a member left out stays as it is."""

    window_rows: int | None = Field(None, ge=1, description="Rows of a window.", examples=[1000])
    warning_threshold: float | None = Field(None, gt=0, description="PSI of a warning.", examples=[0.1])
    critical_threshold: float | None = Field(None, gt=0, description="PSI of a critical.", examples=[0.25])
    windows_to_alert: int | None = Field(None, ge=1, description="Drifted windows that alert.", examples=[2])
    windows_considered: int | None = Field(None, ge=1, description="Among this many.", examples=[3])


class MonitorChange(Request):
    """A change of a monitor."""

    policy: PolicyChange = Field(description="The policy's members to change.")


class Monitor(Response):
    """What watches one deployment; it is made without asking."""

    name: str = Field(description="projects/{project}/monitors/{deployment}", examples=[MONITOR])
    deployment: str = Field(description="What it watches.", examples=[DEPLOYMENT])
    model_version: str = Field(description="What the deployment serves.", examples=[MODEL_VERSION])
    policy: MonitorPolicy | None = Field(description="When it alerts.")
    severity: Severity = Field(description="The newest report's; ok before the first.", examples=["ok"])
    prediction_count: int = Field(description="Predictions seen.", examples=[2500])
    window_count: int = Field(description="Windows judged.", examples=[5])
    alert_count: int = Field(description="Alerts raised, of drift or of unlogged predictions.", examples=[0])
    open_window_rows: int = Field(description="Rows in the window that is still open.", examples=[120])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])
    last_window_time: str | None = Field(description="When the last window closed.", examples=[None])
    etag: str = Field(description="Send it as If-Match to change only what you saw.", examples=["1"])
    feedback_count: int = Field(description="Feedback rows joined.", examples=[200])
    performance: dict[str, float | None] = Field(
        description="Metrics over joined feedback.", examples=[{"accuracy": 0.87}]
    )
    sampling_rate: float | None = Field(description="The share of requests that is logged.", examples=[1.0])
    estimated_prediction_count: int = Field(
        description="Predictions answered, where the log is sampled; else prediction_count.", examples=[2500]
    )


class MonitorPage(Page[Monitor]):
    """One page of monitors."""


class DriftScore(Response):
    """One statistic."""

    statistic: str = Field(description="psi, ks, chi_squared, jensen_shannon or wasserstein.", examples=["psi"])
    value: float | None = Field(description="Its value.", examples=[0.31])
    p_value: float | None = Field(description="For tests with one.", examples=[None])


class ColumnDrift(Response):
    """The scores of one column in one window."""

    column: str = Field(description="The column.", examples=["age"])
    scores: list[DriftScore] = Field(description="One entry a statistic.")
    severity: Severity = Field(description="How bad it is.", examples=["critical"])
    is_prediction: bool = Field(description="True for the model's output.", examples=[False])
    summary: str = Field(description="What changed most.", examples=["mean 38.6 -> 51.2"])


class DriftReport(Response):
    """One window judged."""

    name: str = Field(description="The monitor's name and /reports/{report}.", examples=[f"{MONITOR}/reports/5"])
    row_count: int = Field(description="Rows of the window.", examples=[500])
    window_start: str | None = Field(description="Its first row.", examples=["2026-01-31T17:01:03.000Z"])
    window_end: str | None = Field(description="Its last row.", examples=["2026-01-31T17:06:03.000Z"])
    columns: list[ColumnDrift] = Field(description="One entry a column.")
    severity: Severity = Field(description="The worst of the columns.", examples=["critical"])


class DriftReportPage(Page[DriftReport]):
    """One page of drift reports, newest first."""


class UnloggedPredictions(Response):
    """Predicted rows that the prediction log lacks."""

    row_count: int = Field(description="How many.", examples=[1200])
    first_time: str | None = Field(
        description="When the first was answered or refused.", examples=["2026-01-31T17:01:03.000Z"]
    )
    last_time: str | None = Field(
        description="When the last was answered or refused.", examples=["2026-01-31T17:06:03.000Z"]
    )
    refused: bool = Field(description="True where callers were refused, and not answered.", examples=[False])


class Alert(Response):
    """A deployment's traffic drifted, or predictions of it are not in the log, so that no report knows of them."""

    name: str = Field(description="The monitor's name and /alerts/{alert}.", examples=[f"{MONITOR}/alerts/1"])
    deployment: str = Field(description="What it is about.", examples=[DEPLOYMENT])
    model_version: str = Field(description="What it served; empty where it is not of drift.", examples=[MODEL_VERSION])
    severity: Severity = Field(description="How bad it is.", examples=["critical"])
    columns: list[ColumnDrift] = Field(description="The drifted columns, worst first.")
    report: str = Field(
        description="The report that raised it; empty where it is not of drift.", examples=[f"{MONITOR}/reports/5"]
    )
    create_time: str | None = Field(description="When it was raised.", examples=["2026-01-31T17:06:03.000Z"])
    message: str = Field(description="One sentence.", examples=["2 of 3 windows drifted in age, hours_per_week."])
    kind: AlertKind = Field(description="What it is about; unspecified is drift.", examples=["unspecified"])
    unlogged_predictions: UnloggedPredictions | None = Field(
        description="For predictions that were not logged: how many, and when.", examples=[None]
    )


class AlertPage(Page[Alert]):
    """One page of alerts, newest first."""
