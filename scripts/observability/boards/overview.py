"""Whether all is well, and where to look if not."""

from __future__ import annotations

from ..dashboard import NAMESPACE, RATE, Dashboard, Row, panel
from ..slos import PREDICTION_ROUTES

_PREDICTIONS = f"{NAMESPACE}, {PREDICTION_ROUTES}"
_OF_SERVICE = f"* on (job, instance) group_left (service) fairlead_info{{{NAMESPACE}}}"

OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Whether all is well: promises kept, services there, traffic, drift, and room.",
    (
        Row(
            "Promises",
            (
                panel(
                    "Error budget left",
                    "Of what may go wrong in thirty days. At 0 the promise is broken: change less until it has risen.",
                    "percentunit",
                    (f"fairlead:slo_budget_remaining:ratio30d{{{NAMESPACE}}}", "{{slo}}"),
                    kind="gauge",
                    limits=(0.5, 0.2),
                ),
                panel(
                    "Error budget burn, one hour",
                    "1 spends the budget of thirty days in thirty days; 14.4 for an hour wakes somebody.",
                    "short",
                    (f"fairlead:slo_burn:rate1h{{{NAMESPACE}}}", "{{slo}}"),
                ),
                panel(
                    "Alerts that fire",
                    "Of Fairlead's own rules; docs/how-to/observe.md tells what to do about each.",
                    "none",
                    (
                        f'count by (alertname) (ALERTS{{{NAMESPACE}, alertname=~"Fairlead.+", alertstate="firing"}})'
                        " or vector(0)",
                        "{{alertname}}",
                    ),
                    kind="stat",
                    limits=(1, 5),
                ),
            ),
        ),
        Row(
            "Traffic",
            (
                panel(
                    "REST calls by status",
                    "All calls of the gateway. 499: the caller left before the answer.",
                    "reqps",
                    (f"sum by (status) (rate(fairlead_gateway_calls_total{{{NAMESPACE}}}[{RATE}]))", "{{status}}"),
                ),
                panel(
                    "Predictions over REST, seconds",
                    "From the call's head to the end of its answer, at the gateway.",
                    "s",
                    *(
                        (
                            f"histogram_quantile({share}, sum by (le) "
                            f"(rate(fairlead_gateway_seconds_bucket{{{_PREDICTIONS}}}[{RATE}])))",
                            name,
                        )
                        for share, name in ((0.5, "half"), (0.99, "99 %"))
                    ),
                ),
                panel(
                    "Rows predicted",
                    "Of all doors: REST, gRPC, BentoML, and those that the gateway passes on.",
                    "rowsps",
                    (f"sum by (door) (rate(fairlead_predictions_total{{{NAMESPACE}}}[{RATE}]))", "{{door}}"),
                ),
                panel(
                    "Worst drift",
                    "1 is none, 2 a warning, 3 critical, of each deployment's newest window.",
                    "none",
                    (f"max by (deployment) (fairlead_drift_severity{{{NAMESPACE}}})", "{{deployment}}"),
                    kind="bargauge",
                    limits=(2, 3),
                ),
                panel(
                    "Tasks under way",
                    "Profiling, preparing, training, batch predictions.",
                    "none",
                    (f"sum by (kind) (fairlead_tasks_running{{{NAMESPACE}}})", "{{kind}}"),
                ),
                panel(
                    "Events that consumers have yet to take",
                    "What rises for long is a consumer that does not keep up.",
                    "none",
                    (f"sum by (group, topic) (fairlead_events_consumer_lag{{{NAMESPACE}}})", "{{group}} {{topic}}"),
                ),
            ),
        ),
        Row(
            "Processes",
            (
                panel(
                    "Processes of each service",
                    "That Prometheus reaches now.",
                    "none",
                    (f"count by (service, version) (fairlead_info{{{NAMESPACE}}})", "{{service}} {{version}}"),
                    kind="stat",
                    width=12,
                ),
                panel(
                    "Room on the disk",
                    "Of FAIRLEAD_HOME, where spools and caches are.",
                    "percentunit",
                    (
                        f"min by (service) (fairlead_home_free_bytes / (fairlead_home_size_bytes > 0) {_OF_SERVICE})",
                        "{{service}}",
                    ),
                    kind="bargauge",
                    limits=(0.1, 0.02),
                    width=12,
                ),
                panel(
                    "Memory",
                    "Resident, of the service's own process; tasks have theirs.",
                    "bytes",
                    (f"sum by (service) (process_resident_memory_bytes {_OF_SERVICE})", "{{service}}"),
                ),
                panel(
                    "Processors",
                    "Seconds of processor time a second.",
                    "short",
                    (f"sum by (service) (rate(process_cpu_seconds_total[{RATE}]) {_OF_SERVICE})", "{{service}}"),
                ),
                panel(
                    "gRPC calls that fail",
                    "Between services and from outside; what the caller did wrong is not among them.",
                    "reqps",
                    (
                        f"sum by (method, code) (rate(fairlead_rpc_calls_total{{{NAMESPACE}, "
                        f'code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DATA_LOSS|DEADLINE_EXCEEDED"}}[{RATE}])) or vector(0)',
                        "{{method}} {{code}}",
                    ),
                ),
            ),
        ),
    ),
)
