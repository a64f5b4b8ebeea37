"""Predictions: how many, how fast, what waits and what is refused, and the prediction log."""

from __future__ import annotations

from ..dashboard import DEPLOYMENT, NAMESPACE, RATE, Dashboard, Panel, Row, panel


def _quantiles(title: str, description: str, unit: str, histogram: str, selector: str) -> Panel:
    return panel(
        title,
        description,
        unit,
        *(
            (f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket{{{selector}}}[{RATE}])))", name)
            for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
        ),
    )


SERVING = Dashboard(
    "serving",
    "Serving",
    "Predictions of serving, by whichever door they come: rates, latency, load, and the prediction log.",
    (
        Row(
            "Requests",
            (
                panel(
                    "Requests by door",
                    "relay is what the gateway passes on.",
                    "reqps",
                    (f"sum by (door) (rate(fairlead_prediction_requests_total{{{DEPLOYMENT}}}[{RATE}]))", "{{door}}"),
                ),
                panel(
                    "Requests by outcome",
                    "OK, or the canonical code of what was wrong. RESOURCE_EXHAUSTED is overload.",
                    "reqps",
                    (f"sum by (code) (rate(fairlead_prediction_requests_total{{{DEPLOYMENT}}}[{RATE}]))", "{{code}}"),
                ),
                panel(
                    "Rows predicted by deployment",
                    "The ten with the most.",
                    "rowsps",
                    (
                        f"topk(10, sum by (deployment) (rate(fairlead_predictions_total{{{DEPLOYMENT}}}[{RATE}])))",
                        "{{deployment}}",
                    ),
                ),
                _quantiles(
                    "Seconds of a request",
                    "From a decoded request to its prediction, logging included. The promise: 99 % within 50 ms.",
                    "s",
                    "fairlead_prediction_seconds",
                    DEPLOYMENT,
                ),
                _quantiles(
                    "Seconds in the model's runtime",
                    "What of that is the model.",
                    "s",
                    "fairlead_prediction_compute_seconds",
                    DEPLOYMENT,
                ),
                _quantiles(
                    "Rows computed together",
                    "Of one request or of several. More together are cheaper each.",
                    "none",
                    "fairlead_prediction_batch_rows",
                    DEPLOYMENT,
                ),
            ),
        ),
        Row(
            "Load",
            (
                panel(
                    "Requests being answered",
                    "What serving is scaled by.",
                    "none",
                    (f"sum by (door) (fairlead_predictions_in_flight{{{NAMESPACE}}})", "{{door}}"),
                ),
                panel(
                    "Requests that wait",
                    "For their turn to compute, for a model that loads, or for a thread.",
                    "none",
                    (f"sum(fairlead_admission_waiting{{{NAMESPACE}}})", "for their turn"),
                    (f"sum(fairlead_admission_loading{{{NAMESPACE}}})", "for a model"),
                    (f"sum by (door) (fairlead_queued_requests{{{NAMESPACE}}})", "for a thread ({{door}})"),
                    (f"sum(fairlead_admission_computing{{{NAMESPACE}}})", "none: they compute"),
                ),
                panel(
                    "Requests refused",
                    "Rather than let all wait too long. More pods, or fewer rows at a time.",
                    "reqps",
                    (
                        f"sum by (reason) (rate(fairlead_admission_refused_total{{{NAMESPACE}}}[{RATE}])) or vector(0)",
                        "{{reason}}",
                    ),
                ),
                panel(
                    "Gateway: predictions under way",
                    "At each process of serving, as the gateway sees them.",
                    "none",
                    (f"sum by (endpoint) (fairlead_gateway_relay_calls_under_way{{{NAMESPACE}}})", "{{endpoint}}"),
                ),
                _quantiles(
                    "Gateway: predictions in one message",
                    "Callers who ask at the same time share one.",
                    "none",
                    "fairlead_gateway_relay_message_calls",
                    NAMESPACE,
                ),
                panel(
                    "Gateway: processes of serving lost",
                    "Each call that was there is sent once more, elsewhere; a rolling update loses none.",
                    "ops",
                    (f"sum(rate(fairlead_gateway_relay_streams_lost_total{{{NAMESPACE}}}[{RATE}]))", "streams"),
                    (f"sum(rate(fairlead_gateway_relay_calls_lost_total{{{NAMESPACE}}}[{RATE}]))", "calls"),
                ),
            ),
        ),
        Row(
            "Prediction log",
            (
                panel(
                    "Rows logged",
                    "Published to the event log, and those that waited on disk for it first.",
                    "rowsps",
                    (f"sum(rate(fairlead_prediction_log_logged_total{{{NAMESPACE}}}[{RATE}]))", "published"),
                    (f"sum(rate(fairlead_prediction_log_spooled_total{{{NAMESPACE}}}[{RATE}]))", "waited"),
                ),
                panel(
                    "Age of the oldest that waits",
                    "A second is usual; what rises is an event log that is away.",
                    "s",
                    (f"max(fairlead_prediction_log_oldest_seconds{{{NAMESPACE}}})", "oldest"),
                ),
                panel(
                    "Bytes that wait",
                    "On the local disk; FAIRLEAD_SERVING_LOG_SPOOL_MB is the most.",
                    "bytes",
                    (f"sum(fairlead_prediction_log_spool_bytes{{{NAMESPACE}}})", "waiting"),
                ),
                panel(
                    "Rows missing in the log",
                    "Answered and not logged. Each is told in an alert of its deployment, too.",
                    "rowsps",
                    (
                        f"sum by (reason) (rate(fairlead_prediction_log_dropped_total{{{NAMESPACE}}}[{RATE}]))",
                        "{{reason}}",
                    ),
                    (f"sum(rate(fairlead_prediction_log_refused_total{{{NAMESPACE}}}[{RATE}]))", "not answered"),
                    width=24,
                ),
            ),
        ),
    ),
    by_deployment="fairlead_predictions_total",
)
