"""A training whose pod is lost goes on with its trials in another pod: what it had kept is not on the pod's disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead import Client
from fairlead.client import Json
from tests.cluster.release import CHART, Release, in_namespace
from tests.waiting import until

BUDGET = "90s"
TRIALS_SECONDS = 240.0
CLEARED_SECONDS = 120.0
KEPT = """
from fairlead.kit import backends
from fairlead.services.trainer.settings import TrainerSettings
print(len(list(backends.blob_store(TrainerSettings()).keys("attempts"))))
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Release]:
    """A release of its own, with the back ends for trying out; its Jobs share no disk."""
    with in_namespace("fairlead-kill-test") as release:
        release.install("minimal", {})
        yield release


@pytest.fixture
def client(installed: Release) -> Iterator[Client]:
    with Client(f"http://{installed.address('gateway', 7400)}", installed.token()) as client:
        yield client


def train(client: Client) -> tuple[str, str]:
    """Begin to train on the red wines; return the names of the workflow and of the training's task."""
    client.datasets.upload(CHART / "files" / "test" / "red.csv", "wine")
    workflow = client.workflows.start("wine", target="quality", budget=BUDGET)
    until(lambda: bool(client.tasks.list(kind="train")), "the training", TRIALS_SECONDS)
    return str(workflow["name"]), str(client.tasks.list(kind="train")[0]["name"])


def trials(client: Client, task: str) -> list[Json]:
    return [line for line in client.tasks.logs(task) if "candidate" in (line.get("meta") or {})]


def pods(release: Release, task: str) -> list[str]:
    found = release.objects("pods", "-l", f"fairlead/task={task.rpartition('/')[2]}")
    return [str(pod["metadata"]["name"]) for pod in found]


def kept(release: Release) -> int:
    """How many entries the attempts of all tasks have in the blob store."""
    trainer = f"deployment/{release.name}-trainer"
    return int(release.kubectl("exec", trainer, "--", "python", "-c", KEPT).split()[-1])


def test_a_training_whose_pod_is_deleted_by_force_goes_on_with_its_trials(installed: Release, client: Client) -> None:
    workflow, task = train(client)
    until(lambda: len(trials(client, task)) >= 2, "two trials", TRIALS_SECONDS)
    until(lambda: kept(installed) >= 2, "two trials in the blob store", TRIALS_SECONDS)

    (pod,) = pods(installed, task)
    installed.kubectl("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")

    done = client.tasks.wait(task)
    assert done["attempt"] == 2
    (resumed,) = [line for line in client.tasks.logs(task) if line["source"] == "train.resume"]
    print(resumed["message"])
    assert resumed["meta"]["trials"] >= 2
    assert client.workflows.wait(workflow)["model_version"]
    until(lambda: kept(installed) == 0, "the end of what the attempts had kept", CLEARED_SECONDS)
