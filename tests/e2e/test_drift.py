"""A deployment is watched without asking: quiet on the traffic it was trained for, loud when that changes."""

from __future__ import annotations

import random
import time

import pytest

from fairlead import Client
from fairlead.client import Json
from tests.e2e.jobs import ADULT, Jobs

pytestmark = pytest.mark.e2e

WINDOW = 500
QUIET_WINDOWS = 8


@pytest.fixture(scope="module")
def watched(jobs: Jobs, client: Client) -> Json:
    """Deploy the Adult model under a name of its own, so that only these tests send it traffic."""
    jobs.trained(ADULT)
    return client.deployments.create("watched", "adult")


def send(client: Client, rows: list[Json]) -> list[Json]:
    return [client.deployments.predict("watched", rows[i : i + 100]) for i in range(0, len(rows), 100)]


def wait_for_windows(client: Client, count: int) -> Json:
    deadline = time.monotonic() + 60
    while (monitor := client.monitors.get("watched"))["window_count"] < count:
        assert time.monotonic() < deadline, monitor
        time.sleep(0.2)
    return monitor


@pytest.fixture(scope="module")
def quiet(watched: Json, jobs: Jobs, client: Client) -> Json:
    """Send rows like those of the training, in random order as traffic comes."""
    rows = jobs.rows(ADULT, QUIET_WINDOWS * WINDOW)
    random.Random(3).shuffle(rows)
    send(client, rows)
    return wait_for_windows(client, QUIET_WINDOWS)


def test_a_monitor_is_made_without_asking(watched: Json, client: Client) -> None:
    deadline = time.monotonic() + 20
    while "watched" not in {m["name"].rsplit("/", 1)[-1] for m in client.monitors.list()}:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert client.monitors.get("watched")["model_version"] == watched["model_version"]


def test_traffic_like_the_training_raises_no_alert(quiet: Json) -> None:
    assert quiet["window_count"] == QUIET_WINDOWS
    assert quiet["alert_count"] == 0


def test_drifted_traffic_raises_an_alert_that_names_the_columns(quiet: Json, jobs: Jobs, client: Client) -> None:
    drifted = [
        {**row, "age": min(90, row["age"] + 25), "hours-per-week": 15, "native-country": "Mexico"}
        for row in jobs.rows(ADULT, 3 * WINDOW)
    ]

    send(client, drifted)
    wait_for_windows(client, QUIET_WINDOWS + 3)

    (alert,) = client.monitors.alerts("watched")
    named = {column["column"] for column in alert["columns"]}
    assert alert["severity"] == "critical"
    assert {"age", "hours-per-week", "native-country"} <= named
    assert "occupation" not in named
    assert {score["statistic"] for score in alert["columns"][0]["scores"]} >= {"psi", "jensen_shannon"}


def test_feedback_gives_the_measured_quality(quiet: Json, jobs: Jobs, client: Client) -> None:
    rows = jobs.rows(ADULT, 100)
    (answer,) = send(client, rows)
    labels = [prediction["label"] for prediction in answer["predictions"]]

    truths = [{"request_id": answer["request_id"], "row": i, "value": label} for i, label in enumerate(labels)]
    client.deployments.feedback("watched", truths)

    deadline = time.monotonic() + 30
    while (monitor := client.monitors.get("watched"))["feedback_count"] < len(truths):
        assert time.monotonic() < deadline, monitor
        time.sleep(0.2)
    assert monitor["performance"]["accuracy"] == 1.0
