"""What Fairlead promises, as Prometheus' recording rules and alerts.

Burn rates over several windows, as in "Alerting on SLOs" of Google's Site Reliability Workbook: 1 spends the error
budget of thirty days in just these; an alert asks for a long window, which tells that it matters, and for a short one,
which tells that it still goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")
PREDICTION_ROUTES = 'route=~".+(:predict|/infer)"'
FAILED_CODES = 'code=~"UNAVAILABLE|INTERNAL|UNKNOWN|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|DATA_LOSS"'
LEAST_BAD = 5
"""Where little is asked, one failure is a large share: so many must have come together in the long window."""


@dataclass(frozen=True)
class Slo:
    """A promise: of all (a rate, with {window} for its window), at most 1 - objective are bad."""

    name: str
    promise: str
    objective: float
    bad: str
    all: str


@dataclass(frozen=True)
class Burn:
    """An alert: both windows burn more than so many times what thirty days allow."""

    long: str
    short: str
    times: float
    severity: str
    lasting: str


def _rate(selector: str) -> str:
    return f"sum by (namespace) (rate({selector}[{{window}}]))"


def _slower(histogram: str, seconds: str, selector: str = "") -> str:
    inside = f"{selector}, " if selector else ""
    bucket = f'{histogram}_bucket{{{{{inside}le="{seconds}"}}}}'
    return f"{_rate(f'{histogram}_count{{{{{selector}}}}}')} - {_rate(bucket)}"


SLOS = (
    Slo(
        "gateway-availability",
        "99.9 % of predictions over REST are answered; what a caller asked wrongly counts as answered",
        0.999,
        _rate(f'fairlead_gateway_calls_total{{{{{PREDICTION_ROUTES}, status=~"5.."}}}}'),
        _rate(f'fairlead_gateway_calls_total{{{{{PREDICTION_ROUTES}, status!="499"}}}}'),
    ),
    Slo(
        "gateway-latency",
        "99 % of predictions over REST are answered within 250 ms",
        0.99,
        _slower("fairlead_gateway_seconds", "0.25", PREDICTION_ROUTES),
        _rate(f"fairlead_gateway_seconds_count{{{{{PREDICTION_ROUTES}}}}}"),
    ),
    Slo(
        "serving-availability",
        "99.9 % of the requests that reach serving, by whichever door, are answered",
        0.999,
        _rate(f"fairlead_prediction_requests_total{{{{{FAILED_CODES}}}}}"),
        _rate("fairlead_prediction_requests_total"),
    ),
    Slo(
        "serving-latency",
        "99 % of the requests are predicted and logged within 50 ms",
        0.99,
        _slower("fairlead_prediction_seconds", "0.05"),
        _rate("fairlead_prediction_seconds_count"),
    ),
    Slo(
        "prediction-log",
        "99.99 % of the predicted rows are in the prediction log",
        0.9999,
        _rate("fairlead_prediction_log_dropped_total"),
        f"{_rate('fairlead_prediction_log_dropped_total')} + {_rate('fairlead_prediction_log_logged_total')}",
    ),
)
BURNS = (
    Burn("1h", "5m", 14.4, "critical", "2m"),
    Burn("6h", "30m", 6, "critical", "15m"),
    Burn("1d", "2h", 3, "warning", "1h"),
    Burn("3d", "6h", 1, "warning", "3h"),
)


def rules() -> dict[str, Any]:
    """Return the rule file of the SLOs."""
    return {
        "groups": [
            *(
                {"name": f"fairlead-slo-{slo.name}", "interval": "30s", "rules": [*_recordings(slo, WINDOWS[:-1])]}
                for slo in SLOS
            ),
            {
                "name": "fairlead-slo-budget",
                "interval": "5m",
                "rules": [each for slo in SLOS for each in (*_recordings(slo, WINDOWS[-1:]), _budget(slo))],
            },
            {"name": "fairlead-slo-alerts", "rules": [*map(_alert, BURNS), _spent()]},
        ]
    }


def _recordings(slo: Slo, windows: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the burn rate over each window, and, of those that alerts begin with, how many were bad."""
    counted = {burn.long for burn in BURNS}
    found = []
    for window in windows:
        bad, everything = slo.bad.format(window=window), slo.all.format(window=window)
        allowed = f"{1 - slo.objective:g}"
        # Of what never failed there is no series.
        burn = f"(({bad}) or ({everything}) * 0) / ({everything}) / {allowed}"
        found.append({"record": f"fairlead:slo_burn:rate{window}", "expr": burn, "labels": {"slo": slo.name}})
        if window in counted:
            many = bad.replace("rate(", "increase(")
            found.append({"record": f"fairlead:slo_bad:increase{window}", "expr": many, "labels": {"slo": slo.name}})
    return found


def _budget(slo: Slo) -> dict[str, Any]:
    return {
        "record": "fairlead:slo_budget_remaining:ratio30d",
        "expr": f'1 - fairlead:slo_burn:rate30d{{slo="{slo.name}"}}',
        "labels": {"slo": slo.name},
    }


def _alert(burn: Burn) -> dict[str, Any]:
    return {
        "alert": "FairleadErrorBudgetBurns",
        "expr": f"fairlead:slo_burn:rate{burn.long} > {burn.times:g} and fairlead:slo_burn:rate{burn.short} > "
        f"{burn.times:g} and fairlead:slo_bad:increase{burn.long} >= {LEAST_BAD}",
        "for": burn.lasting,
        "labels": {"severity": burn.severity, "window": burn.long},
        "annotations": {
            "summary": "{{ $labels.slo }} spends its error budget {{ $value | humanize }} times as fast as it may"
        },
    }


def _spent() -> dict[str, Any]:
    return {
        "alert": "FairleadErrorBudgetSpent",
        "expr": "fairlead:slo_budget_remaining:ratio30d < 0",
        "for": "1h",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.slo }} has used up the error budget of thirty days"},
    }
