"""When each alert fires, and when it does not, as promtool's unit tests."""

from __future__ import annotations

from dataclasses import dataclass

NS = 'namespace="ml"'
SERVING = f'{NS}, job="fairlead", instance="pod:7504"'
ASKED = "fairlead_events_consumer_asked_timestamp_seconds"
CALLS = f'fairlead_gateway_calls_total{{{NS}, method="POST", route="/v2/models/{{model_name}}/infer", '


@dataclass(frozen=True)
class Case:
    """Series, a value a minute (promtool's notation); at a time an alert has the labels and summary, or is quiet."""

    name: str
    alert: str
    series: dict[str, str]
    at: str
    fires: tuple[tuple[dict[str, str], str], ...] = ()


def fires(summary: str, severity: str, **labels: str) -> tuple[tuple[dict[str, str], str], ...]:
    """Return what is expected of an alert that fires once."""
    return (({"severity": severity, "namespace": "ml", **labels}, summary),)


CASES = (
    Case(
        "a service of which no process is scraped any more",
        "FairleadServiceAway",
        {f'fairlead_info{{{SERVING}, service="serving", version="1"}}': "1x5 _x20"},
        "15m",
        fires("No process of serving can be scraped", "critical", service="serving"),
    ),
    Case(
        "one of two processes is gone",
        "FairleadServiceAway",
        {
            f'fairlead_info{{{NS}, instance="a", service="serving", version="1"}}': "1x5 _x20",
            f'fairlead_info{{{NS}, instance="b", service="serving", version="1"}}': "1x25",
        },
        "15m",
    ),
    Case(
        "a process that begins anew again and again",
        "FairleadRestarting",
        {
            f"process_start_time_seconds{{{SERVING}}}": "100 100 200 200 300 400 500 500 600 600x10",
            f'fairlead_info{{{SERVING}, service="serving", version="1"}}': "1x20",
        },
        "12m",
        fires("serving has begun anew 5 times in half an hour", "warning", service="serving"),
    ),
    Case(
        "a new version is rolled out",
        "FairleadRestarting",
        {
            f"process_start_time_seconds{{{SERVING}}}": "100x10 200x10",
            f'fairlead_info{{{SERVING}, service="serving", version="1"}}': "1x20",
        },
        "20m",
    ),
    *(
        Case(
            f"a disk with {free} % left",
            alert,
            {
                f"fairlead_home_free_bytes{{{SERVING}}}": f"{free}x20",
                f"fairlead_home_size_bytes{{{SERVING}}}": "100x20",
                f'fairlead_info{{{SERVING}, service="serving", version="1"}}': "1x20",
            },
            "10m",
            fires(f"The disk of serving has {free}% left", severity, service="serving") if severity else (),
        )
        for alert, free, severity in (
            ("FairleadDiskFilling", 9, "warning"),
            ("FairleadDiskFilling", 11, ""),
            ("FairleadDiskFull", 1, "critical"),
            ("FairleadDiskFull", 3, ""),
        )
    ),
    *(
        Case(
            f"a certificate of {days} days",
            "FairleadCertificateExpiring",
            {
                f"fairlead_tls_certificate_expiry_timestamp_seconds{{{SERVING}}}": f"{days * 86400}x30",
                f'fairlead_info{{{SERVING}, service="serving", version="1"}}': "1x30",
            },
            "20m",
            fires(f"The certificate of serving ends in {left}", "critical", service="serving") if left else (),
        )
        for days, left in ((6, "5d 23h 40m 0s"), (8, ""), (0, ""))
    ),
    Case(
        "a fifth of a method's calls fail",
        "FairleadCallsFailing",
        {
            f'fairlead_rpc_calls_total{{{NS}, method="/m", code="OK"}}': "0+80x30",
            f'fairlead_rpc_calls_total{{{NS}, method="/m", code="INTERNAL"}}': "0+20x30",
        },
        "20m",
        fires("20% of the calls of /m fail", "warning", method="/m"),
    ),
    Case(
        "what callers do wrong",
        "FairleadCallsFailing",
        {
            f'fairlead_rpc_calls_total{{{NS}, method="/m", code="OK"}}': "0+80x30",
            f'fairlead_rpc_calls_total{{{NS}, method="/m", code="INVALID_ARGUMENT"}}': "0+80x30",
        },
        "20m",
    ),
    Case(
        "overload",
        "FairleadPredictionsRefused",
        {f'fairlead_admission_refused_total{{{NS}, reason="busy"}}': "0+120x20"},
        "15m",
        fires("2 predictions a second are refused (busy)", "warning", reason="busy"),
    ),
    Case(
        "a few refused",
        "FairleadPredictionsRefused",
        {f'fairlead_admission_refused_total{{{NS}, reason="busy"}}': "0+6x20"},
        "15m",
    ),
    Case(
        "the first failure of a model",
        "FairleadModelsFailToLoad",
        {f'fairlead_model_load_failures_total{{{NS}, model="p.m/1"}}': "_x3 1x20"},
        "10m",
        fires("The model p.m/1 can't be loaded", "warning", model="p.m/1"),
    ),
    Case(
        "a failure of long ago",
        "FairleadModelsFailToLoad",
        {f'fairlead_model_load_failures_total{{{NS}, model="p.m/1"}}': "1x60"},
        "50m",
    ),
    Case(
        "predictions that wait for Kafka",
        "FairleadPredictionLogBehind",
        {f"fairlead_prediction_log_oldest_seconds{{{NS}}}": "0+60x20"},
        "15m",
        fires("Predictions wait for the event log since 15m 0s", "warning"),
    ),
    Case(
        "predictions that waited",
        "FairleadPredictionLogBehind",
        {f"fairlead_prediction_log_oldest_seconds{{{NS}}}": "0 400 400 1x20"},
        "15m",
    ),
    Case(
        "rows that the log lacks",
        "FairleadPredictionLogLosing",
        {f'fairlead_prediction_log_dropped_total{{{NS}, reason="drop_oldest"}}': "0x5 15x20"},
        "15m",
        fires("15 answered rows are missing in the log (drop_oldest)", "critical", reason="drop_oldest"),
    ),
    Case(
        "rows lost an hour ago",
        "FairleadPredictionLogLosing",
        {f'fairlead_prediction_log_dropped_total{{{NS}, reason="drop_oldest"}}': "15x80"},
        "60m",
    ),
    Case(
        "rows refused for want of a log",
        "FairleadPredictionLogRefusing",
        {f"fairlead_prediction_log_refused_total{{{NS}}}": "0x5 15x20"},
        "15m",
        fires("15 rows were refused since they could not be logged", "critical"),
    ),
    Case(
        "none refused",
        "FairleadPredictionLogRefusing",
        {f"fairlead_prediction_log_refused_total{{{NS}}}": "0x20"},
        "15m",
    ),
    Case(
        "Kafka is away",
        "FairleadEventsWaitForKafka",
        {f"fairlead_events_spool_events{{{NS}}}": "7x20"},
        "15m",
        fires("7 events wait on local disk for Kafka", "warning"),
    ),
    Case(
        "Kafka was away",
        "FairleadEventsWaitForKafka",
        {f"fairlead_events_spool_events{{{NS}}}": "7 7 7 0x20"},
        "15m",
    ),
    *(
        Case(
            f"the first events {how}",
            "FairleadEventsLost",
            {f'fairlead_events_spool_{how}_total{{{NS}, topic="fairlead.logs"{more}}}': "_x3 4x20"},
            "10m",
            fires("4 events of fairlead.logs were lost or turned away", "critical", topic="fairlead.logs"),
        )
        for how, more in (("dropped", ', reason="full"'), ("refused", ""), ("turned_away", ""))
    ),
    Case(
        "events lost an hour ago",
        "FairleadEventsLost",
        {f'fairlead_events_spool_turned_away_total{{{NS}, topic="fairlead.logs"}}': "4x80"},
        "60m",
    ),
    Case(
        "a consumer that falls behind",
        "FairleadConsumerBehind",
        {f'fairlead_events_consumer_lag{{{NS}, group="drift", topic="t"}}': "0+100x60"},
        "40m",
        fires("drift is 4000 events of t behind, and does not catch up", "warning", group="drift", topic="t"),
    ),
    Case(
        "a consumer that catches up",
        "FairleadConsumerBehind",
        {f'fairlead_events_consumer_lag{{{NS}, group="drift", topic="t"}}': "9000-100x60"},
        "40m",
    ),
    Case(
        "a consumer that hangs",
        "FairleadConsumerStuck",
        {f'{ASKED}{{{NS}, group="drift", topic="t"}}': "60x30"},
        "11m",
        fires("drift has not asked for events of t for 10m 0s", "critical", group="drift", topic="t"),
    ),
    Case(
        "one of two processes hangs, the other consumes",
        "FairleadConsumerStuck",
        {
            f'{ASKED}{{{NS}, instance="a", group="drift", topic="t"}}': "0x30",
            f'{ASKED}{{{NS}, instance="b", group="drift", topic="t"}}': "0+60x30",
        },
        "20m",
    ),
    Case(
        "consumers that get stuck",
        "FairleadConsumerRecreated",
        {f'fairlead_events_consumer_recreated_total{{{NS}, group="drift"}}': "_x3 4x20"},
        "10m",
        fires("The consumers of drift got stuck 4 times in an hour", "warning", group="drift"),
    ),
    Case(
        "a consumer got stuck once",
        "FairleadConsumerRecreated",
        {f'fairlead_events_consumer_recreated_total{{{NS}, group="drift"}}': "_x3 1x20"},
        "10m",
    ),
    Case(
        "events that nobody can read",
        "FairleadEventsRejected",
        {
            f'fairlead_gateway_events_rejected_total{{{NS}, topic="t"}}': "_x3 2x20",
            f'fairlead_drift_skipped_total{{{NS}, reason="unreadable"}}': "_x3 3x20",
            f'fairlead_drift_skipped_total{{{NS}, reason="feedback_unreadable"}}': "_x3 9x20",
        },
        "10m",
        (
            *fires(
                "2 events could not be used by gateway; they are on the dead-letter topic", "warning", group="gateway"
            ),
            *fires("3 events could not be used by drift; they are on the dead-letter topic", "warning", group="drift"),
        ),
    ),
    Case(
        "drift has begun",
        "FairleadDriftWarning",
        {f'fairlead_drift_severity{{{NS}, deployment="d"}}': "1 1 2x20"},
        "10m",
        fires("What d predicts has begun to drift", "warning", deployment="d"),
    ),
    Case("no drift", "FairleadDriftWarning", {f'fairlead_drift_severity{{{NS}, deployment="d"}}': "1x20"}, "10m"),
    Case(
        "drift",
        "FairleadDriftCritical",
        {f'fairlead_drift_severity{{{NS}, deployment="d"}}': "1 1 3x20"},
        "10m",
        fires("What d predicts has drifted from its training", "critical", deployment="d"),
    ),
    Case("a warning", "FairleadDriftCritical", {f'fairlead_drift_severity{{{NS}, deployment="d"}}': "2x20"}, "10m"),
    Case(
        "drift's database is away",
        "FairleadDriftNotWatched",
        {f"fairlead_drift_consumer_failures_total{{{NS}}}": "0+1x30"},
        "20m",
        fires("Watching for drift has failed 15 times in a quarter of an hour", "critical"),
    ),
    Case(
        "it was away for a moment",
        "FairleadDriftNotWatched",
        {f"fairlead_drift_consumer_failures_total{{{NS}}}": "0 2x30"},
        "10m",
    ),
    Case(
        "most trainings fail",
        "FairleadTasksFailing",
        {
            f'fairlead_tasks_ended_total{{{NS}, kind="train", state="TASK_STATE_FAILED"}}': "_x3 4x20",
            f'fairlead_tasks_ended_total{{{NS}, kind="train", state="TASK_STATE_SUCCEEDED"}}': "_x3 2x20",
        },
        "20m",
        fires("4 tasks of the kind train failed in an hour, more than did not", "warning", kind="train"),
    ),
    Case(
        "some trainings fail",
        "FairleadTasksFailing",
        {
            f'fairlead_tasks_ended_total{{{NS}, kind="train", state="TASK_STATE_FAILED"}}': "_x3 4x20",
            f'fairlead_tasks_ended_total{{{NS}, kind="train", state="TASK_STATE_SUCCEEDED"}}': "_x3 9x20",
        },
        "20m",
    ),
    # Error budgets: 99.9 % may fail one in a thousand.
    Case(
        "2 % of predictions fail for an hour",
        "FairleadErrorBudgetBurns",
        {CALLS + 'status="200"}': "0+98x120", CALLS + 'status="503"}': "0+2x120"},
        "70m",
        (
            *fires(
                "gateway-availability spends its error budget 20 times as fast as it may",
                "critical",
                slo="gateway-availability",
                window="1h",
            ),
            *fires(
                "gateway-availability spends its error budget 20 times as fast as it may",
                "critical",
                slo="gateway-availability",
                window="6h",
            ),
            *fires(
                "gateway-availability spends its error budget 20 times as fast as it may",
                "warning",
                slo="gateway-availability",
                window="1d",
            ),
        ),
    ),
    Case(
        "it is over",
        "FairleadErrorBudgetBurns",
        {CALLS + 'status="200"}': "0+98x60 5880+100x480", CALLS + 'status="503"}': "0+2x60 120x480"},
        "8h",
    ),
    Case(
        "what callers do wrong, and who leave",
        "FairleadErrorBudgetBurns",
        {
            CALLS + 'status="200"}': "0+50x120",
            CALLS + 'status="422"}': "0+25x120",
            CALLS + 'status="499"}': "0+25x120",
        },
        "110m",
    ),
    Case(
        "two failures where hardly anything is asked",
        "FairleadErrorBudgetBurns",
        {CALLS + 'status="200"}': "0x10 10x110", CALLS + 'status="503"}': "0x100 2x20"},
        "110m",
    ),
    Case(
        "more failed in thirty days than may",
        "FairleadErrorBudgetSpent",
        {CALLS + 'status="200"}': "0+90x180", CALLS + 'status="503"}': "0+10x180"},
        "150m",
        fires(
            "gateway-availability has used up the error budget of thirty days", "warning", slo="gateway-availability"
        ),
    ),
    Case(
        "a little failed",
        "FairleadErrorBudgetSpent",
        {CALLS + 'status="200"}': "0+99999x180", CALLS + 'status="503"}': "0+1x180"},
        "150m",
    ),
)
