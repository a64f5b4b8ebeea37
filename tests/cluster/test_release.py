"""The life of a release: installed, tested, upgraded, disturbed under load, rolled back, uninstalled."""

from __future__ import annotations

import csv
from collections.abc import Callable

import httpx
import pytest

from tests import waiting
from tests.cluster import node
from tests.cluster.release import CHART, SERVICES, Release
from tests.cluster.traffic import Traffic

WINE = "/api/v1/projects/helm-test/deployments/wine:predict"
TWO_EACH = {"gateway.replicas": "2", "serving.replicas": "2"}


def gateway_url(release: Release) -> str:
    return f"http://{release.address('gateway', 7400)}"


def traffic(release: Release) -> Traffic:
    """Red wines to predict, by the deployment that `helm test` made."""
    with (CHART / "files" / "job" / "red.csv").open(newline="") as lines:
        wine = next(csv.DictReader(lines, delimiter=";"))
    row = {name: float(value) for name, value in wine.items() if name != "quality"}
    return Traffic(gateway_url(release), release.token(), WINE, row)


def settle(calls: Traffic) -> None:
    """Wait for calls that were begun after what happened."""
    before = calls.answered + len(calls.first_failures)
    waiting.until(lambda: calls.answered + len(calls.first_failures) > before + 100, "further calls")


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
    release.kubectl("delete", "pod", str(release.pods(service)[0]["metadata"]["name"]), "--wait=false")


def kill(release: Release, service: str) -> None:
    assert node.kill(release.pods(service)[0]) > 0


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


def test_a_rollback_brings_the_values_before(release: Release) -> None:
    release.roll_back()

    for service in ("gateway", "serving"):
        release.wait_for_pods(service, 1)
    answer = httpx.get(f"{gateway_url(release)}/healthz")
    assert answer.status_code == httpx.codes.OK


def test_an_uninstall_leaves_what_it_says(release: Release) -> None:
    release.uninstall()

    kinds = "deployments,statefulsets,jobs,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings"
    left = {
        f"{each['kind']}/{each['metadata']['name']}"
        for each in release.objects(f"{kinds},networkpolicies,poddisruptionbudgets,persistentvolumeclaims")
    }
    assert left <= {"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"}
