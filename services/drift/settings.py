"""Settings of the drift service."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from fairlead.kit.settings import KitSettings

from .domain.policy import Policy, problems


class DriftSettings(KitSettings):
    """What the drift service adds; the policy is that of new monitors."""

    service: ClassVar[str] = "drift"

    drift_window_rows: int = Field(500, description="Rows of a window, for new monitors.")
    drift_warning_threshold: float = Field(0.1, description="PSI of a warning, for new monitors.")
    drift_critical_threshold: float = Field(0.25, description="PSI of a critical, for new monitors.")
    drift_windows_to_alert: int = Field(2, description="Drifted windows that make an alert, for new monitors.")
    drift_windows_considered: int = Field(3, description="Windows among which they are counted, for new monitors.")
    drift_recent_rows: int = Field(100_000, ge=1, description="Predictions kept for feedback, a deployment.")
    drift_early_truths: int = Field(10_000, ge=1, description="Feedback kept until its prediction, a deployment.")
    drift_reports_kept: int = Field(1000, ge=1, description="Reports, and alerts, kept of a monitor.")

    @model_validator(mode="after")
    def _sensible_policy(self) -> Self:
        wrong = problems(self.policy)
        if wrong:
            raise ValueError("; ".join(f"FAIRLEAD_DRIFT_{field.upper()} {what}" for field, what in wrong))
        return self

    @property
    def policy(self) -> Policy:
        """Return the policy of new monitors."""
        return Policy(
            self.drift_window_rows,
            self.drift_warning_threshold,
            self.drift_critical_threshold,
            self.drift_windows_to_alert,
            self.drift_windows_considered,
        )
