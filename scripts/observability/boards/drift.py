"""Drift: how far each deployment's traffic is from its training, and whether it is watched at all."""

from __future__ import annotations

from ..dashboard import DEPLOYMENT, NAMESPACE, RATE, Dashboard, Row, grown, panel

_WINDOWS = f"fairlead_drift_windows_total{{{DEPLOYMENT}}}"

DRIFT = Dashboard(
    "drift",
    "Drift",
    "How far what is predicted is from what was trained on, and whether it is watched.",
    (
        Row(
            "Deployments",
            (
                panel(
                    "Severity of the newest window",
                    "1 is none, 2 a warning, 3 critical.",
                    "none",
                    (f"max by (deployment) (fairlead_drift_severity{{{DEPLOYMENT}}})", "{{deployment}}"),
                    limits=(2, 3),
                ),
                panel(
                    "Most drifted columns",
                    "The statistics of the newest window that are highest; they are not all on one scale.",
                    "short",
                    (
                        f"topk(15, max by (deployment, column, statistic) (fairlead_drift_score{{{DEPLOYMENT}}}))",
                        "{{deployment}} {{column}} ({{statistic}})",
                    ),
                    width=16,
                ),
                panel(
                    "Windows judged",
                    "By what they were found to be.",
                    "none",
                    (
                        f"sum by (severity) {grown(_WINDOWS, '1h')} or vector(0)",
                        "{{severity}}",
                    ),
                ),
                panel(
                    "Alerts raised",
                    "In an hour.",
                    "none",
                    (
                        "sum by (deployment, severity) "
                        f"{grown(f'fairlead_drift_alerts_total{{{DEPLOYMENT}}}', '1h')} or vector(0)",
                        "{{deployment}} {{severity}}",
                    ),
                ),
                panel(
                    "Truths joined",
                    "Feedback that found its prediction; quality is measured by these.",
                    "rowsps",
                    (
                        f"sum by (deployment) (rate(fairlead_drift_feedback_total{{{DEPLOYMENT}}}[{RATE}]))"
                        " or vector(0)",
                        "{{deployment}}",
                    ),
                ),
            ),
        ),
        Row(
            "Watching",
            (
                panel(
                    "Predictions counted in",
                    "Should be as many as are logged.",
                    "rowsps",
                    (
                        f"sum by (deployment) (rate(fairlead_drift_predictions_total{{{DEPLOYMENT}}}[{RATE}]))",
                        "{{deployment}}",
                    ),
                    (
                        f"sum(rate(fairlead_drift_shadow_predictions_total{{{DEPLOYMENT}}}[{RATE}])) or vector(0)",
                        "of shadows",
                    ),
                ),
                panel(
                    "Events that wait for drift",
                    "What rises for long: drift does not keep up with predictions.",
                    "none",
                    (f'sum by (topic) (fairlead_events_consumer_lag{{{NAMESPACE}, group="drift"}})', "{{topic}}"),
                ),
                panel(
                    "What could not be used",
                    "By reason, and how often consuming failed and began again.",
                    "ops",
                    (
                        f"sum by (reason) (rate(fairlead_drift_skipped_total{{{NAMESPACE}}}[{RATE}])) or vector(0)",
                        "{{reason}}",
                    ),
                    (f"sum(rate(fairlead_drift_consumer_failures_total{{{NAMESPACE}}}[{RATE}]))", "began again"),
                ),
            ),
        ),
    ),
    by_deployment="fairlead_drift_severity",
)
