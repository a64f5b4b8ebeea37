"""What a user sees of a Fairlead, for comparing one with another; and a job that leaves something of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead import Client
from fairlead.client import Json
from tests.data import SHARED_DATA
from tests.waiting import until

PENGUINS = SHARED_DATA / "penguins" / "penguins.csv"
BUDGET = "10s"
FIRST_PREDICTIONS = 600


def work(client: Client) -> None:
    """Train, deploy, predict, tell the truth of some, and wait until all of it is seen."""
    client.projects.create("other", "Another project")
    client.datasets.upload(PENGUINS, "penguins")
    workflow = client.workflows.start(
        "penguins", target="species", budget=BUDGET, seed=7, families=["linear", "lightgbm"]
    )
    assert client.workflows.wait(workflow["name"])["state"] == "succeeded"
    client.deployments.create("penguins", "penguins")
    until(lambda: len(client.monitors.list()) == 1, "the monitor")
    rows = rows_of(client, 300)
    for _ in range(FIRST_PREDICTIONS // len(rows)):
        answer = client.deployments.predict("penguins", rows)
    truths = [
        {"request_id": answer["request_id"], "row": index, "value": found["label"]}
        for index, found in enumerate(answer["predictions"])
    ]
    client.deployments.feedback("penguins", truths)
    until(lambda: bool(client.monitors.get("penguins")["prediction_count"] >= FIRST_PREDICTIONS), "all predictions")
    until(lambda: bool(client.monitors.get("penguins")["feedback_count"] >= len(truths)), "all feedback")


def rows_of(client: Client, count: int) -> list[Json]:
    """Return rows of the dataset as a caller sends them."""
    return [
        {key: value for key, value in row.items() if key != "species"}
        for row in client.datasets.rows("penguins", count)
    ]


def look(client: Client) -> Mapping[str, Any]:
    """Return everything that lasts: the same before a backup and after its restore."""
    runs = client.runs.list()
    tasks = client.tasks.list()
    return {
        "projects": client.projects.list(),
        "datasets": client.datasets.list(),
        "dataset versions": client.datasets.versions("penguins"),
        "profile": client.datasets.last_profile("penguins"),
        "rows": client.datasets.rows("penguins", 50),
        "runs": runs,
        "leaderboards": [client.runs.leaderboard(run["name"]) for run in runs],
        "models": client.models.list(),
        "model versions": client.models.versions("penguins"),
        "deployments": client.deployments.list(),
        "workflows": client.workflows.list(),
        "tasks": tasks,
        "what happened": {task["name"]: list(client.tasks.follow(task["name"])) for task in tasks},
    }


def predictions(client: Client) -> list[Json]:
    """Return what the model answers for known rows, to the last digit."""
    return list(client.deployments.predict("penguins", rows_of(client, 20))["predictions"])


def reports(client: Client) -> dict[str, Json]:
    """Return the drift reports by name; traffic adds to them."""
    return {report["name"]: report for report in client.monitors.reports("penguins", limit=None)}


def prediction_count(client: Client) -> int:
    """Return how many predictions the monitor has seen."""
    return int(client.monitors.get("penguins")["prediction_count"])
