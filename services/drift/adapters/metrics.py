"""What Prometheus sees of drift."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from fairlead.api.drift.v1 import monitor_pb2

from .work import Outcome


class Metrics:
    """Gauges of each monitor's newest window, and counters. Labels are bounded by deployments and their columns."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._score = Gauge(
            "fairlead_drift_score",
            "Statistic of a column in the newest window.",
            ["deployment", "column", "statistic"],
            registry=registry,
        )
        self._severity = Gauge(
            "fairlead_drift_severity",
            "Newest window: 1 is OK, 2 a warning, 3 critical.",
            ["deployment"],
            registry=registry,
        )
        self._windows = Counter(
            "fairlead_drift_windows", "Windows that were judged.", ["deployment", "severity"], registry=registry
        )
        self._alerts = Counter(
            "fairlead_drift_alerts", "Alerts that were raised.", ["deployment", "severity"], registry=registry
        )
        self._predictions = Counter(
            "fairlead_drift_predictions", "Predictions that were counted in.", ["deployment"], registry=registry
        )
        self._shadows = Counter(
            "fairlead_drift_shadow_predictions",
            "Predictions of shadows that were kept for experiments.",
            ["deployment"],
            registry=registry,
        )
        self._feedbacks = Counter(
            "fairlead_drift_feedback", "Truths that were joined.", ["deployment"], registry=registry
        )
        self._skipped = Counter(
            "fairlead_drift_skipped", "Events or truths that could not be used.", ["reason"], registry=registry
        )
        self._failures = Counter(
            "fairlead_drift_consumer_failures", "Times that consuming stopped and began again.", registry=registry
        )

    def count(self, outcome: Outcome) -> None:
        """Count what a transaction did."""
        for deployment, rows in outcome.predictions.items():
            self._predictions.labels(deployment).inc(rows)
        for deployment, rows in outcome.shadows.items():
            self._shadows.labels(deployment).inc(rows)
        for deployment, rows in outcome.feedbacks.items():
            self._feedbacks.labels(deployment).inc(rows)
        for deployment, window in outcome.windows:
            self._windows.labels(deployment, window.verdict.severity.name.lower()).inc()
            if window.alert is not None:
                self._alerts.labels(deployment, window.alert.name.lower()).inc()
        for deployment, report in outcome.newest.items():
            self.show(deployment, report)
        for reason, times in outcome.skipped.items():
            self._skipped.labels(reason).inc(times)

    def show(self, deployment: str, report: monitor_pb2.DriftReport) -> None:
        """Show a report as the deployment's newest."""
        self._severity.labels(deployment).set(report.severity)
        for column in report.columns:
            for score in column.scores:
                self._score.labels(deployment, column.column, score.statistic).set(score.value)

    def forget(self, deployment: str) -> None:
        """Show a deployment's gauges no longer: it ended, or serves another model."""
        self._score.remove_by_labels({"deployment": deployment})
        self._severity.remove_by_labels({"deployment": deployment})

    def failed(self) -> None:
        """Count a failure of the consumer."""
        self._failures.inc()
