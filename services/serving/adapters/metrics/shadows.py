"""What is counted of shadows, without a label of the deployment, of which there may be thousands."""

from __future__ import annotations

import time

from prometheus_client import Counter

from fairlead.kit.logging import get_logger

TELL_SECONDS = 60.0
"""A shadow that fails at every request is told of no more often."""
MOST_TOLD = 1024

SHADOW_ROWS = Counter(
    "fairlead_shadow_predictions_total",
    "Rows that shadows were to predict: predicted, dropped (too many waited), failed.",
    ["outcome"],
)
LOG = get_logger("fairlead.serving.shadows")


class PrometheusShadowObserver:
    """Implements the domain's ShadowObserver. Failures are told of by one thread."""

    def __init__(self) -> None:
        self._predicted, self._dropped, self._failed = map(SHADOW_ROWS.labels, ("predicted", "dropped", "failed"))
        self._told: dict[tuple[str, str], float] = {}

    def shadow_predicted(self, rows: int) -> None:
        """Count rows that a shadow predicted."""
        self._predicted.inc(rows)

    def shadow_dropped(self, rows: int) -> None:
        """Count rows that a shadow did not predict, since too many waited."""
        self._dropped.inc(rows)

    def shadow_failed(self, deployment: str, version: str, rows: int, error: Exception) -> None:
        """Count rows that a shadow could not predict, and log why, once a minute."""
        self._failed.inc(rows)
        now = time.monotonic()
        if now - self._told.get((deployment, version), -TELL_SECONDS) < TELL_SECONDS:
            return
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        self._told[deployment, version] = now
        LOG.error("a shadow can't predict", deployment=deployment, model_version=version, error=str(error))
