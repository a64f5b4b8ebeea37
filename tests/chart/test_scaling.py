"""Who says how many pods there are."""

from __future__ import annotations

import pytest

from tests.chart import chart
from tests.chart.chart import NAMESPACE, RELEASE, SERVICES

SCALED = {"gateway", "serving", "drift"}
KEDA = ("autoscaling.mode=keda", "autoscaling.keda.prometheus.serverAddress=http://prometheus:9090")


def test_without_an_autoscaler_the_values_do() -> None:
    assert {s: chart.deployment(s, "minimal", "serving.replicas=3")["spec"]["replicas"] for s in SERVICES} == {
        **dict.fromkeys(SERVICES, 1),
        "serving": 3,
    }


@pytest.mark.parametrize("settings", [("autoscaling.mode=hpa",), KEDA])
def test_an_autoscaler_is_not_overruled_by_an_upgrade(settings: tuple[str, ...]) -> None:
    for service in SERVICES:
        assert ("replicas" in chart.deployment(service, "minimal", *settings)["spec"]) is (service not in SCALED)


def test_one_autoscaler_at_a_time() -> None:
    assert {s.removeprefix(f"{RELEASE}-") for s in chart.of_kind("HorizontalPodAutoscaler", "airgapped")} == SCALED
    assert chart.of_kind("ScaledObject", "airgapped") == {}
    assert {s.removeprefix(f"{RELEASE}-") for s in chart.of_kind("ScaledObject", "production")} == SCALED
    assert chart.of_kind("HorizontalPodAutoscaler", "production") == {}


def test_a_service_may_be_left_alone() -> None:
    settings = ("autoscaling.mode=hpa", "autoscaling.drift.enabled=false")

    assert set(chart.of_kind("HorizontalPodAutoscaler", "minimal", *settings)) == {
        f"{RELEASE}-gateway",
        f"{RELEASE}-serving",
    }
    assert chart.deployment("drift", "minimal", *settings)["spec"]["replicas"] == 1


def test_serving_follows_requests_in_flight_with_the_cpu_as_floor() -> None:
    spec = chart.of_kind("ScaledObject", "minimal", *KEDA)[f"{RELEASE}-serving"]["spec"]
    cpu, flight = spec["triggers"]

    assert cpu == {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "35"}}
    assert flight["type"] == "prometheus"
    assert flight["metadata"] == {
        "serverAddress": "http://prometheus:9090",
        "query": 'sum(fairlead_predictions_in_flight{namespace="ml"})',
        "threshold": "8",
    }
    assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"


def test_drift_follows_the_lag_of_the_prediction_log() -> None:
    trigger = chart.of_kind("ScaledObject", "minimal", *KEDA)[f"{RELEASE}-drift"]["spec"]["triggers"][1]

    assert trigger["metadata"] == {
        "bootstrapServers": f"{RELEASE}-dev-kafka.{NAMESPACE}.svc:9092",
        "consumerGroup": "drift.fairlead.predictions",
        "topic": "fairlead.predictions",
        "lagThreshold": "1000",
        "excludePersistentLag": "true",
    }
    assert "authenticationRef" not in trigger


def test_keda_signs_in_to_kafka_as_drift_does() -> None:
    trigger = chart.of_kind("ScaledObject", "production")[f"{RELEASE}-drift"]["spec"]["triggers"][1]
    spec = chart.of_kind("TriggerAuthentication", "production")[f"{RELEASE}-kafka"]["spec"]
    variables = chart.environment(chart.container("drift", "production"))

    assert trigger["metadata"]["sasl"] == "scram_sha512"
    assert trigger["metadata"]["tls"] == "enable"
    assert trigger["authenticationRef"] == {"name": f"{RELEASE}-kafka"}
    assert {each["name"] for each in spec["env"]} <= variables.keys()
    assert spec["secretTargetRef"] == [{"parameter": "ca", "name": "fairlead-kafka-ca", "key": "ca.crt"}]


def test_the_gateway_follows_its_cpu() -> None:
    triggers = chart.of_kind("ScaledObject", "minimal", *KEDA)[f"{RELEASE}-gateway"]["spec"]["triggers"]

    assert [trigger["type"] for trigger in triggers] == ["cpu"]


@pytest.mark.parametrize("settings", [("autoscaling.mode=hpa",), KEDA])
def test_it_goes_up_at_once_and_down_slowly(settings: tuple[str, ...]) -> None:
    for each in chart.objects("minimal", *settings):
        if each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            spec = each["spec"]
            behavior = spec.get("behavior") or spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
            assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
            assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 300
            assert behavior["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]


def test_keda_needs_to_know_where_prometheus_is() -> None:
    with pytest.raises(chart.Refused, match="serverAddress"):
        chart.text("minimal", "autoscaling.mode=keda")


def test_a_least_above_the_most_is_refused() -> None:
    with pytest.raises(chart.Refused, match="minReplicas is above maxReplicas"):
        chart.text("minimal", "autoscaling.mode=hpa", "autoscaling.serving.minReplicas=30")
