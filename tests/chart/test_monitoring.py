"""What Prometheus and Grafana are given."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.chart import chart
from tests.chart.chart import CHART, RELEASE, SERVICES

FILES = CHART / "files"


def test_every_service_is_scraped_once_with_the_token_for_it() -> None:
    (monitor,) = chart.of_kind("ServiceMonitor", "production").values()
    (endpoint,) = monitor["spec"]["endpoints"]
    selector = monitor["spec"]["selector"]
    absent = {each["key"] for each in selector["matchExpressions"]}

    chosen = [
        name.removeprefix(f"{RELEASE}-")
        for name, each in chart.of_kind("Service", "production").items()
        if selector["matchLabels"].items() <= each["metadata"]["labels"].items()
        and not absent & each["metadata"]["labels"].keys()
    ]
    assert sorted(chosen) == sorted(SERVICES)
    assert endpoint["port"] == "metrics"
    assert endpoint["authorization"]["credentials"] == {"name": "fairlead-tokens", "key": "metrics-token"}


def test_metrics_tell_their_service_as_rules_expect() -> None:
    (monitor,) = chart.of_kind("ServiceMonitor", "production").values()
    (endpoint,) = monitor["spec"]["endpoints"]

    assert endpoint["honorLabels"] is True
    assert endpoint["relabelings"][0]["targetLabel"] == "service"


def test_all_rules_come_as_they_are_tested() -> None:
    made = chart.of_kind("PrometheusRule", "production")
    files = {path.stem: yaml.safe_load(path.read_text()) for path in (FILES / "rules").glob("*.yaml")}

    assert files
    assert {name.removeprefix(f"{RELEASE}-"): each["spec"] for name, each in made.items()} == files
    assert all(each["metadata"]["labels"]["release"] == "prometheus" for each in made.values())


def test_all_dashboards_come_as_they_are_tested() -> None:
    made = {
        name: each
        for name, each in chart.of_kind("ConfigMap", "production").items()
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
    }
    files = {path.name: json.loads(path.read_text()) for path in (FILES / "dashboards").glob("*.json")}

    assert files
    assert {file: json.loads(each["data"][file]) for each in made.values() for file in each["data"]} == files


def test_nothing_of_it_is_there_unless_asked_for() -> None:
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert chart.of_kind(kind, "minimal") == {}


@pytest.mark.parametrize("ratio", ["0", "1"])
def test_as_many_calls_are_traced_as_the_values_say(ratio: str) -> None:
    settings = chart.of_kind("ConfigMap", "production", f"tracing.ratio={ratio}")[f"{RELEASE}-env"]["data"]

    assert settings["FAIRLEAD_TRACE_RATIO"] == ratio


def test_traces_go_where_the_values_say() -> None:
    settings = chart.of_kind("ConfigMap", "production")[f"{RELEASE}-env"]["data"]

    assert settings["FAIRLEAD_OTLP_ENDPOINT"] == "http://otel-collector.monitoring:4317"
    assert settings["FAIRLEAD_TRACE_RATIO"] == "0.01"
    assert "FAIRLEAD_OTLP_ENDPOINT" not in chart.of_kind("ConfigMap", "minimal")[f"{RELEASE}-env"]["data"]
