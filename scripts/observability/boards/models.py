"""Models in memory: what is there, what comes and goes, and what each deployment costs."""

from __future__ import annotations

from ..dashboard import DEPLOYMENT, NAMESPACE, RATE, Dashboard, Row, panel

MODELS = Dashboard(
    "models",
    "Models",
    "Models in the memory of serving's processes, their loading, and deployments beside each other.",
    (
        Row(
            "In memory",
            (
                panel(
                    "Models in memory",
                    "Of all processes together; one that two processes hold counts twice.",
                    "none",
                    (f"sum by (instance) (fairlead_models_loaded{{{NAMESPACE}}})", "{{instance}}"),
                ),
                panel(
                    "Bytes of models",
                    "FAIRLEAD_SERVING_MODELS_MB is the most of a process; beyond it the least used ones go.",
                    "bytes",
                    (f"sum by (instance) (fairlead_models_bytes{{{NAMESPACE}}})", "{{instance}}"),
                ),
                panel(
                    "Lookups that found their model",
                    "Of all; what is low means that models come and go too often: give more memory, or more pods.",
                    "percentunit",
                    (
                        f"sum(rate(fairlead_model_cache_hits_total{{{NAMESPACE}}}[{RATE}])) / "
                        f"(sum(rate(fairlead_model_cache_hits_total{{{NAMESPACE}}}[{RATE}])) + "
                        f"(sum(rate(fairlead_model_loads_total{{{NAMESPACE}}}[{RATE}])) or vector(0)))",
                        "found",
                    ),
                ),
            ),
        ),
        Row(
            "Coming and going",
            (
                panel(
                    "Models loaded, evicted, failed",
                    "What fails is tried again at the next request for it.",
                    "ops",
                    (f"sum(rate(fairlead_model_loads_total{{{NAMESPACE}}}[{RATE}])) or vector(0)", "loaded"),
                    (f"sum(rate(fairlead_model_evictions_total{{{NAMESPACE}}}[{RATE}])) or vector(0)", "evicted"),
                    (f"sum(rate(fairlead_model_load_failures_total{{{NAMESPACE}}}[{RATE}])) or vector(0)", "failed"),
                ),
                panel(
                    "Seconds to load a model",
                    "From the blob store, or from the local cache.",
                    "s",
                    *(
                        (
                            f"histogram_quantile({share}, sum by (le) "
                            f"(rate(fairlead_model_load_seconds_bucket{{{NAMESPACE}}}[1h])))",
                            name,
                        )
                        for share, name in ((0.5, "half"), (0.95, "95 %"))
                    ),
                ),
                panel(
                    "Loading now",
                    "Models that load or are to, and requests that wait for them.",
                    "none",
                    (f"sum(fairlead_models_loading{{{NAMESPACE}}})", "models"),
                    (f"sum(fairlead_models_waiting_requests{{{NAMESPACE}}})", "requests"),
                ),
                panel(
                    "Most loaded",
                    "Models that came back most often in an hour.",
                    "none",
                    (
                        f"topk(10, sum by (model) (increase(fairlead_model_loads_total{{{NAMESPACE}}}[1h])))",
                        "{{model}}",
                    ),
                    kind="bargauge",
                    width=24,
                ),
            ),
        ),
        Row(
            "Deployments",
            (
                panel(
                    "Slowest deployments, 99 %",
                    "Seconds of a request.",
                    "s",
                    (
                        "topk(10, histogram_quantile(0.99, sum by (deployment, le) "
                        f"(rate(fairlead_prediction_seconds_bucket{{{DEPLOYMENT}}}[{RATE}]))))",
                        "{{deployment}}",
                    ),
                ),
                panel(
                    "Processor time by deployment",
                    "Seconds in models' runtimes a second.",
                    "short",
                    (
                        "topk(10, sum by (deployment) "
                        f"(rate(fairlead_prediction_compute_seconds_sum{{{DEPLOYMENT}}}[{RATE}])))",
                        "{{deployment}}",
                    ),
                ),
                panel(
                    "Rows for shadows",
                    "Predicted by models that nobody sees the answers of yet; dropped where too many waited.",
                    "rowsps",
                    (
                        f"sum by (outcome) (rate(fairlead_shadow_predictions_total{{{NAMESPACE}}}[{RATE}]))",
                        "{{outcome}}",
                    ),
                ),
            ),
        ),
    ),
    by_deployment="fairlead_predictions_total",
)
