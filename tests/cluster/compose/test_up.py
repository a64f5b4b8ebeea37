"""The stack comes up, does the main job, and is as it was after it went down and came up again.

Prometheus and Grafana are left out: there are no images of them but the official ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from fairlead import Client
from tests.cluster.compose.stack import FILE, HERE, Stack, new_secrets
from tests.cluster.images.container import SERVICES, docker
from tests.data import ROOT


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(new_secrets(tmp_path_factory.mktemp("secrets")), files=(FILE, HERE / "override.yaml"))
    try:
        stack.run("up", "--detach", "--wait", "--wait-timeout", "600", *SERVICES, "mlflow")
        yield stack
    finally:
        stack.run("--profile", "job", "down", "--volumes", "--timeout", "20")


@pytest.fixture(scope="module")
def job(stack: Stack) -> str:
    """What the job of `helm test` prints: from the upload of real wines to a drift alert."""
    return stack.run("run", "--rm", "job")


def secret(stack: Stack, name: str) -> str:
    return dict(line.split("=", 1) for line in stack.secrets.read_text().splitlines())[name]


def test_the_main_job_runs_on_it(job: str) -> None:
    assert "alert: " in job
    assert "done in" in job.splitlines()[-1]


def test_mlflow_s_pages_show_the_model(stack: Stack, job: str) -> None:
    found = httpx.get(f"{stack.url('MLFLOW_PORT')}/api/2.0/mlflow/registered-models/search", timeout=60).json()

    assert "helm-test.wine" in [each["name"] for each in found["registered_models"]]


def test_what_prometheus_is_told_to_scrape_answers(stack: Stack) -> None:
    targets = re.findall(r"\w+:75\d\d", (ROOT / "deploy" / "compose" / "prometheus.yml").read_text())
    program = """
import httpx, sys
for target in sys.argv[2:]:
    print(httpx.get(f"http://{target}/metrics", headers={"Authorization": f"Bearer {sys.argv[1]}"}).status_code)
"""
    command = ("run", "--rm", "--entrypoint", "python", "job", "-c", program, secret(stack, "METRICS_TOKEN"))

    assert stack.run(*command, *targets).split() == ["200"] * len(SERVICES)


def test_what_it_has_is_there_again_after_it_was_down(stack: Stack, job: str) -> None:
    stack.run("down", "--timeout", "20")
    stack.run("up", "--detach", "--wait", "--wait-timeout", "600", *SERVICES)

    with Client(stack.url("GATEWAY_PORT"), secret(stack, "ADMIN_TOKEN"), project="helm-test") as client:
        answer = client.deployments.predict("wine", client.datasets.rows("wine", 2))
        assert [each["name"] for each in client.models.list()] == ["projects/helm-test/models/wine"]
        assert len(answer["predictions"]) == 2
        assert client.monitors.alerts("wine")


def test_nothing_is_left_once_it_is_taken_down_with_its_volumes(stack: Stack) -> None:
    stack.run("--profile", "job", "down", "--volumes", "--timeout", "20")

    label = f"label=com.docker.compose.project={stack.name}"
    assert [docker(kind, "ls", "--quiet", "--filter", label).stdout for kind in ("container", "volume", "network")] == [
        ""
    ] * 3
