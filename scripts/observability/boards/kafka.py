"""Events: consumers and how far behind they are, and what waits on local disk while Kafka is away."""

from __future__ import annotations

from ..dashboard import NAMESPACE, RATE, Dashboard, Panel, Row, panel


def _counted(title: str, description: str, metric: str, label: str = "topic") -> Panel:
    expr = f"sum by ({label}) (rate({metric}{{{NAMESPACE}}}[{RATE}])) or vector(0)"
    return panel(title, description, "ops", (expr, f"{{{{{label}}}}}"))


KAFKA = Dashboard(
    "kafka",
    "Kafka",
    "Events from Fairlead's side: consumers, and what waits or is lost while Kafka is away.",
    (
        Row(
            "Consumers",
            (
                panel(
                    "Events behind",
                    "Of each group, by topic, when it last asked.",
                    "none",
                    (f"sum by (group, topic) (fairlead_events_consumer_lag{{{NAMESPACE}}})", "{{group}} {{topic}}"),
                ),
                panel(
                    "Events taken",
                    "By group and topic.",
                    "ops",
                    (
                        f"sum by (group, topic) (rate(fairlead_events_consumed_total{{{NAMESPACE}}}[{RATE}]))",
                        "{{group}} {{topic}}",
                    ),
                ),
                panel(
                    "Since a group last asked",
                    "Seconds; what rises is a consumer that hangs.",
                    "s",
                    (
                        "time() - max by (group, topic) "
                        f"(fairlead_events_consumer_asked_timestamp_seconds{{{NAMESPACE}}})",
                        "{{group}} {{topic}}",
                    ),
                ),
                _counted(
                    "Consumers made anew",
                    "They had stopped moving although events waited.",
                    "fairlead_events_consumer_recreated_total",
                    "group",
                ),
                _counted(
                    "Events the gateway could not use",
                    "They are on the topic's dead-letter topic: fairlead events dead-letters.",
                    "fairlead_gateway_events_rejected_total",
                ),
                _counted(
                    "Events drift could not use",
                    "By reason.",
                    "fairlead_drift_skipped_total",
                    "reason",
                ),
            ),
        ),
        Row(
            "While Kafka is away",
            (
                panel(
                    "Events that wait on local disk",
                    "They are sent in order once Kafka is back.",
                    "none",
                    (f"sum by (instance) (fairlead_events_spool_events{{{NAMESPACE}}})", "{{instance}}"),
                ),
                panel(
                    "Bytes that wait",
                    "FAIRLEAD_EVENTS_SPOOL_MB is the most of a process.",
                    "bytes",
                    (f"sum by (instance) (fairlead_events_spool_bytes{{{NAMESPACE}}})", "{{instance}}"),
                ),
                _counted("Events put on disk", "Because Kafka was away.", "fairlead_events_spooled_total"),
                _counted(
                    "Events given up",
                    "The spool was full, or brokers refused them.",
                    "fairlead_events_spool_dropped_total",
                ),
                _counted(
                    "Events that brokers refused",
                    "For good, after they had waited.",
                    "fairlead_events_spool_refused_total",
                ),
                _counted(
                    "Events turned away",
                    "Their publishers were told: Kafka was away, and the spool was full.",
                    "fairlead_events_spool_turned_away_total",
                ),
            ),
        ),
        Row(
            "Prediction log",
            (
                panel(
                    "Age of the oldest prediction that waits",
                    "Serving's journal on disk, of which the log is published.",
                    "s",
                    (f"max(fairlead_prediction_log_oldest_seconds{{{NAMESPACE}}})", "oldest"),
                    width=12,
                ),
                panel(
                    "Bytes of predictions that wait",
                    "FAIRLEAD_SERVING_LOG_SPOOL_MB is the most of a process.",
                    "bytes",
                    (f"sum by (instance) (fairlead_prediction_log_spool_bytes{{{NAMESPACE}}})", "{{instance}}"),
                    width=12,
                ),
            ),
        ),
    ),
)
