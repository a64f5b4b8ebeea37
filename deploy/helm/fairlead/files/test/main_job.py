"""What `helm test` runs in the cluster: red wines from upload to a served, watched model, and white ones to an alert.

FAIRLEAD_URL and FAIRLEAD_TOKEN say where Fairlead is. It works in the project `helm-test`, and can run again there.
"""

from __future__ import annotations

import csv
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from fairlead import ApiError, Client, TaskFailed
from fairlead.client import Json

HERE = Path(__file__).resolve().parent
PROJECT, NAME, TARGET = "helm-test", "wine", "quality"
BUDGET = os.environ.get("FAIRLEAD_TEST_BUDGET", "15s")
WINDOW = 100
PATIENCE_SECONDS = float(os.environ.get("FAIRLEAD_TEST_PATIENCE_SECONDS", "300"))


class Failed(Exception):
    """The job can't go on; the message says why."""


def say(sentence: str) -> None:
    """Print what is done."""
    print(f"{time.strftime('%H:%M:%S')}  {sentence}", flush=True)


def until(holds: Callable[[], bool], what: str) -> None:
    """Return once it holds. Raises Failed when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not come within {PATIENCE_SECONDS:g} s")
        time.sleep(0.5)


def wines(file: str) -> list[Json]:
    """Return the wines of a file, as rows to predict, in any order but that of the file, which drifts itself."""
    with (HERE / file).open(newline="") as lines:
        rows = csv.DictReader(lines, delimiter=";", quoting=csv.QUOTE_MINIMAL)
        found = [{name: float(value) for name, value in row.items() if name != TARGET} for row in rows]
    random.Random(0).shuffle(found)
    return found


def missing(client: Client) -> str:
    """Return what can't be worked with yet, or nothing."""
    try:
        services = client.status()["services"]
    except (ApiError, httpx.HTTPError) as error:
        return f"the gateway ({error})"
    return ", ".join(each["service"] for each in services if each["state"] != "serving")


def wait_for_all(client: Client) -> None:
    """Return once every service is healthy. Raises Failed when that takes too long."""
    said = ""

    def is_all_there() -> bool:
        nonlocal said
        if (what := missing(client)) and what != said:
            say(f"waiting for {what}")
        said = what
        return not what

    until(is_all_there, "every service")


def train(client: Client) -> str:
    """Take the red wines to a registered model version; return its name for deployments."""
    version = client.datasets.upload(HERE / "red.csv", NAME)
    say(f"uploaded: {version['row_count']:,} rows, {len(version['fields'])} columns")
    workflow = client.workflows.start(NAME, target=TARGET, budget=BUDGET)
    workflow = client.workflows.wait(workflow["name"])
    model, number = workflow["model_version"].split("/")[3::2]
    scores = client.runs.get(workflow["run"])["metrics"]
    say(f"trained: {model} version {number}, " + ", ".join(f"{k} {v:.3f}" for k, v in sorted(scores.items())))
    return f"{model}/{number}"


def deploy(client: Client, model: str) -> Json:
    """Serve the version; return the deployment once it is watched."""
    try:
        deployment = client.deployments.create(NAME, model)
    except ApiError as error:
        if error.code != "ALREADY_EXISTS":
            raise
        deployment = client.deployments.update(NAME, model)

    def is_watched() -> bool:
        return any(
            each["deployment"] == deployment["name"] and each["model_version"] == deployment["model_version"]
            for each in client.monitors.list()
        )

    until(is_watched, "the deployment's monitor")
    client.monitors.update(NAME, window_rows=WINDOW)
    say(f"deployed: {deployment['state']}, watched in windows of {WINDOW} rows")
    return deployment


def send(client: Client, rows: list[Json]) -> None:
    """Predict rows online, and return once each is counted by the monitor."""
    before = client.monitors.get(NAME)["prediction_count"]
    for start in range(0, len(rows), 50):
        client.deployments.predict(NAME, rows[start : start + 50])
    wanted = before + len(rows)
    until(lambda: client.monitors.get(NAME)["prediction_count"] >= wanted, f"the count of {len(rows)} predictions")
    say(f"predicted: {len(rows)} rows, all in the prediction log")


def watch(client: Client, deployment: Json) -> None:
    """Send red wines, which must raise no alert, then white ones, which must."""

    def alerts() -> list[Json]:
        return [each for each in client.monitors.alerts(NAME) if each["model_version"] == deployment["model_version"]]

    send(client, wines("red.csv")[: 3 * WINDOW])
    if found := alerts():
        raise Failed(f"an alert for wines like those of the training: {found[0]['message']}")
    send(client, wines("white.csv")[: 4 * WINDOW])
    until(lambda: bool(alerts()), "the alert for white wines")
    say(f"alert: {alerts()[0]['message']}")


def main() -> int:
    """Run the job and return the exit status."""
    began = time.monotonic()
    try:
        with Client(project=PROJECT) as client:
            wait_for_all(client)
            if not any(each["name"] == f"projects/{PROJECT}" for each in client.projects.list()):
                client.projects.create(PROJECT, "Made by helm test")
            watch(client, deploy(client, train(client)))
    except (Failed, ApiError, TaskFailed) as error:
        say(f"failed: {error}")
        return 1
    say(f"done in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
