"""A monitor: what one deployment's watch shows to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .policy import Policy
from .severity import Severity


@dataclass(frozen=True)
class Monitor:
    """The monitor of `deployment` (its resource name); counts are since the monitor was made."""

    deployment: str
    model_version: str
    policy: Policy
    create_time: datetime
    severity: Severity = Severity.OK
    prediction_count: int = 0
    window_count: int = 0
    alert_count: int = 0
    feedback_count: int = 0
    last_window_time: datetime | None = None
    # Rises with each change of the policy.
    revision: int = 1
    # When the deployment was last changed, as far as it is known here.
    deployment_time: datetime | None = None
    # The share of requests that is logged, by the newest predictions, and the rows that the logged ones stand for.
    sampling_rate: float = 1.0
    answered_rows: float = 0.0
    # Of the current model version.
    open_window_rows: int = 0
    performance: dict[str, float] = field(default_factory=dict)
