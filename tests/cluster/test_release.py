"""The life of a release: installed, tested, upgraded, disturbed under load, rolled back, uninstalled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import waiting
from tests.cluster import node
from tests.cluster.release import READY_SECONDS, SERVICES, Release
from tests.cluster.wines import DEPLOYMENTS, MORE, gateway_url, settle, traffic, traffic_of_many

TWO_EACH = {"gateway.replicas": "2", "serving.replicas": "2"}
SCALING = Path(__file__).with_name("scaling.yaml")
SCALED_SECONDS = 240


def test_it_is_installed_in_a_restricted_namespace(release: Release) -> None:
    release.install("minimal", {})

    for service in SERVICES:
        assert len(release.ready_pods(service)) == 1, service


def test_helm_test_takes_real_data_from_upload_to_an_alert(release: Release) -> None:
    printed = release.test()

    print(printed)
    assert "alert: " in printed
    assert "done in" in printed


def test_an_upgrade_brings_more_pods_without_a_failed_request(release: Release) -> None:
    with traffic(release) as calls:
        release.upgrade("minimal", TWO_EACH)
        settle(calls)

    assert len(release.ready_pods("gateway")) == len(release.ready_pods("serving")) == 2
    assert calls.first_failures == []


@pytest.mark.parametrize("service", ["serving", "gateway"])
def test_a_rolling_update_fails_no_request(release: Release, service: str) -> None:
    with traffic(release) as calls:
        before = {pod["metadata"]["name"] for pod in release.pods(service)}
        release.restart(service)
        release.wait_for_pods(service, 2)
        settle(calls)

    assert before.isdisjoint(pod["metadata"]["name"] for pod in release.pods(service))
    assert calls.first_failures == []


def delete(release: Release, service: str) -> None:
    """Delete a pod, and return once it is about to go."""
    release.kubectl("delete", "pod", str(release.pods(service)[0]["metadata"]["name"]), "--wait=false")


def kill(release: Release, service: str) -> None:
    """Kill a pod's processes, and return once they have been started again."""
    before = restarts(release, service)
    assert node.kill(release.pods(service)[0]) > 0
    waiting.until(lambda: restarts(release, service) > before, f"another start of {service}", READY_SECONDS)


def restarts(release: Release, service: str) -> int:
    statuses = [status for pod in release.pods(service) for status in pod["status"].get("containerStatuses", [])]
    return sum(int(status["restartCount"]) for status in statuses)


@pytest.mark.parametrize("service", ["serving", "gateway"])
@pytest.mark.parametrize("disturb", [delete, kill])
def test_a_lost_pod_costs_no_request_but_a_retry(
    release: Release, service: str, disturb: Callable[[Release, str], None]
) -> None:
    with traffic(release) as calls:
        disturb(release, service)
        release.wait_for_pods(service, 2)
        settle(calls)

    assert calls.failures == []


@pytest.fixture(scope="module")
def more_deployments(release: Release) -> None:
    """The model of `helm test`, served by more deployments, so that there is something to spread."""
    with httpx.Client(
        base_url=gateway_url(release), headers={"Authorization": f"Bearer {release.token()}"}, timeout=60
    ) as client:
        version = client.get(f"{DEPLOYMENTS}/wine").raise_for_status().json()["model_version"]
        for name in MORE:
            body = {"deployment_id": name, "model_version": version}
            client.post(DEPLOYMENTS, json=body).raise_for_status()


def predicted(pod: dict[str, Any], token: str) -> float:
    """Return how many rows a pod of serving has predicted."""
    page = httpx.get(f"http://{pod['status']['podIP']}:7504/metrics", headers={"Authorization": f"Bearer {token}"})
    lines = [
        line for line in page.raise_for_status().text.splitlines() if line.startswith("fairlead_predictions_total")
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


@pytest.mark.usefixtures("more_deployments")
@pytest.mark.parametrize("mode", ["hpa", "keda"])
def test_serving_scales_with_the_load_and_back(release: Release, prometheus: str, mode: str) -> None:
    values = {"autoscaling.mode": mode, "autoscaling.keda.prometheus.serverAddress": prometheus}
    release.upgrade("minimal", values, SCALING)
    release.wait_for_pods("serving", 1)

    with traffic_of_many(release, callers=8, pause=0) as load:
        waiting.until(lambda: len(release.ready_pods("serving")) > 1, "a second pod of serving", SCALED_SECONDS)
        pods, token = release.ready_pods("serving"), release.metrics_token()
        waiting.until(lambda: all(predicted(pod, token) > 0 for pod in pods), "a share for each pod")
    with traffic_of_many(release, callers=1, pause=0.5) as calm:
        release.wait_for_pods("serving", 1, SCALED_SECONDS)

    assert load.first_failures == calm.first_failures == []


def test_keda_reads_how_many_events_wait_for_drift(release: Release) -> None:
    values = {
        "autoscaling.mode": "keda",
        "autoscaling.serving.enabled": "false",
        "autoscaling.drift.enabled": "true",
        "autoscaling.keda.prometheus.serverAddress": "http://prometheus",
    }
    kafka = f"{release.name}-dev-kafka"

    def lags() -> list[str]:
        scalers = release.objects("horizontalpodautoscalers")
        metrics = [metric for scaler in scalers for metric in scaler["status"].get("currentMetrics") or []]
        return [metric["external"]["current"]["averageValue"] for metric in metrics if metric["type"] == "External"]

    with node.named(f"{kafka}.{release.namespace}.svc", release.cluster_ip(kafka)):
        release.upgrade("minimal", values, SCALING)
        waiting.until(lambda: bool(lags()), "the lag of drift", SCALED_SECONDS)


def test_a_rollback_brings_the_values_before(release: Release) -> None:
    release.upgrade("minimal", TWO_EACH)
    release.wait_for_pods("serving", 2)
    release.upgrade("minimal", {})
    release.wait_for_pods("serving", 1)

    release.roll_back()

    for service in ("gateway", "serving"):
        release.wait_for_pods(service, 2)
    answer = httpx.get(f"{gateway_url(release)}/healthz")
    assert answer.status_code == httpx.codes.OK


def left(release: Release) -> set[str]:
    """Return what is in the namespace that Kubernetes has not put there."""
    kinds = (
        "deployments,statefulsets,jobs,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
        "networkpolicies,poddisruptionbudgets,persistentvolumeclaims,horizontalpodautoscalers,scaledobjects"
    )
    found = {f"{each['kind']}/{each['metadata']['name']}" for each in release.objects(kinds)}
    return found - {"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"}


def test_an_uninstall_leaves_nothing(release: Release) -> None:
    release.uninstall()

    waiting.until(lambda: not left(release), f"the end of {left(release)}", SCALED_SECONDS)
