"""How fast each error budget burns when so much goes wrong, as promtool's unit tests."""

from __future__ import annotations

from typing import Any

from tests.integration.observability.rule_cases import CALLS, NS


def recorded(metrics: dict[str, str], slo: str, burn: float) -> dict[str, Any]:
    """Return a promtool test of how fast an objective's budget burns over five minutes."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in metrics.items()],
        "promql_expr_test": [
            {
                "expr": f'round(fairlead:slo_burn:rate5m{{slo="{slo}"}}, 0.01)',
                "eval_time": "20m",
                "exp_samples": [{"labels": f'{{namespace="ml", slo="{slo}"}}', "value": burn}],
            }
        ],
    }


DOOR = f'{NS}, deployment="d", door="relay"'
SLOW_CALLS = f'{NS}, method="POST", route="/v2/models/{{model_name}}/infer"'
BURNS = (
    recorded(
        {
            f'fairlead_gateway_seconds_bucket{{{SLOW_CALLS}, le="0.25"}}': "0+90x30",
            f"fairlead_gateway_seconds_count{{{SLOW_CALLS}}}": "0+100x30",
        },
        "gateway-latency",
        10,
    ),
    recorded(
        {
            f'fairlead_prediction_requests_total{{{DOOR}, code="OK"}}': "0+97x30",
            f'fairlead_prediction_requests_total{{{DOOR}, code="INVALID_ARGUMENT"}}': "0+2x30",
            f'fairlead_prediction_requests_total{{{DOOR}, code="RESOURCE_EXHAUSTED"}}': "0+1x30",
        },
        "serving-availability",
        10,
    ),
    recorded(
        {
            f'fairlead_prediction_seconds_bucket{{{DOOR}, le="0.05"}}': "0+98x30",
            f"fairlead_prediction_seconds_count{{{DOOR}}}": "0+100x30",
        },
        "serving-latency",
        2,
    ),
    recorded(
        {
            f'fairlead_prediction_log_dropped_total{{{NS}, reason="disk"}}': "0+1x30",
            f"fairlead_prediction_log_logged_total{{{NS}}}": "0+999x30",
        },
        "prediction-log",
        10,
    ),
    recorded({CALLS + 'status="200"}': "0+100x30"}, "gateway-availability", 0),
)
