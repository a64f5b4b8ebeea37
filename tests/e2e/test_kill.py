"""Killing a service loses nothing that was accepted, and the job goes on to its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest

from fairlead import ApiError, Client
from fairlead.client import Json
from fairlead.up.ports import SERVICES
from tests.data import SHARED_DATA
from tests.e2e.back_ends import BackEnds
from tests.e2e.running import RunningFairlead

pytestmark = pytest.mark.e2e

ADULT = SHARED_DATA / "adult" / "adult.csv"
WINDOW = 500


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, back_ends: BackEnds) -> Iterator[RunningFairlead]:
    with back_ends.fresh() as environment:
        fairlead = RunningFairlead.start(tmp_path_factory.mktemp("killed"), environment=environment)
        yield fairlead
        fairlead.stop()


@pytest.fixture(scope="module")
def client(running: RunningFairlead) -> Iterator[Client]:
    with running.client() as client:
        yield client


def wait_for(look: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if look():
                return
        except ApiError as error:
            # A service that is being started again is away for a moment.
            if error.status < 500:
                raise
        except httpx.TransportError:
            # So is the gateway.
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)


def stage_runs(client: Client, workflow: Json, stage: str) -> Callable[[], bool]:
    def look() -> bool:
        stages = {s["id"]: s for s in client.workflows.get(workflow["name"])["stages"]}
        return bool(stages[stage]["state"] == "running" and stages[stage]["task"])

    return look


@pytest.fixture(scope="module")
def finished(running: RunningFairlead, client: Client) -> Json:
    """Run the job, killing a service in each of its long stages."""
    client.datasets.upload(ADULT, "adult")
    workflow = client.workflows.start("adult", target="income", budget="15s", families=["linear", "lightgbm"])
    for stage, services in (
        ("profile", ["profiler"]),
        ("prepare", ["conductor"]),
        ("train", ["trainer", "conductor", "gateway", "serving", "drift"]),
    ):
        wait_for(stage_runs(client, workflow, stage))
        for service in services:
            running.kill(service)
    wait_for(stage_runs(client, workflow, "train"))
    return client.workflows.wait(workflow["name"])


def test_the_job_finishes_though_its_services_were_killed(finished: Json) -> None:
    assert finished["state"] == "succeeded"
    assert {stage["state"] for stage in finished["stages"]} == {"succeeded"}


def test_no_finished_stage_ran_again(finished: Json, client: Client) -> None:
    """A stage may begin again where it was interrupted, but never once it has succeeded."""
    ended: set[str] = set()
    for message in client.tasks.follow(finished["task"]):
        if message["type"] != "STAGE_STATUS":
            continue
        stage = message["stage_status"]["stage"]
        assert stage["id"] not in ended, f"{stage['id']} was {stage['state']} after it had succeeded"
        if stage["state"] == "succeeded":
            ended.add(stage["id"])

    assert len(ended) == 8


def test_no_stage_began_its_work_twice(finished: Json, client: Client) -> None:
    kinds = Counter(task["kind"] for task in client.tasks.list(limit=200))

    assert kinds == {"import": 1, "profile": 1, "prepare": 1, "train": 1, "export": 1, "workflow": 1}


def test_the_services_were_started_again(finished: Json, running: RunningFairlead) -> None:
    running.wait_until_healthy()

    for service in SERVICES:
        assert f"{service} ended (signal 9 SIGKILL)" in running.said()


def test_no_logged_prediction_is_lost_or_counted_twice(
    finished: Json, running: RunningFairlead, client: Client
) -> None:
    client.deployments.create("adult", "adult")
    rows = client.datasets.rows("adult", 1000)
    wait_for(lambda: len(client.monitors.list()) == 1)
    sent = 0
    for service in ("drift", "serving", "gateway", None):
        for _ in range(3):
            wait_for(lambda: bool(client.deployments.predict("adult", rows[:WINDOW])))
            sent += WINDOW
        if service is not None:
            running.kill(service)
            running.wait_until_healthy()

    wait_for(lambda: client.monitors.get("adult")["prediction_count"] >= sent)

    assert client.monitors.get("adult")["prediction_count"] == sent


def test_everything_is_still_there_after_a_restart_of_all(finished: Json, running: RunningFairlead) -> None:
    assert running.stop() == 0
    again = running.again()
    try:
        with again.client() as client:
            rows = client.datasets.rows("adult", 2)
            workflow = client.workflows.get(finished["name"])
            answer = client.deployments.predict("adult", rows)
    finally:
        again.stop()

    assert workflow["state"] == "succeeded"
    assert len(answer["predictions"]) == 2
