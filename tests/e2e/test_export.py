"""A trained model, exported as a Bento, answers outside of Fairlead what its deployment answers inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairlead import Client
from tests.e2e.jobs import ADULT, HOUSING, Dataset, Jobs
from tests.e2e.running import RunningFairlead
from tests.integration.bentos import served

pytestmark = pytest.mark.e2e

ROWS = 500


def export(running: RunningFairlead, *arguments: str) -> Any:
    command = [sys.executable, "-m", "fairlead.cli.main", "export", "bento", *arguments, "--json"]
    environment = {**os.environ, "FAIRLEAD_URL": running.url, "FAIRLEAD_TOKEN": running.token}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def awkward(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with a missing value in each column in turn, with nothing at all, and with texts nobody has seen."""
    first = rows[0]
    missing = [{**first, column: None} for column in first]
    unseen = [{**first, column: "never seen"} for column, value in first.items() if isinstance(value, str)]
    return [*missing, dict.fromkeys(first), *unseen]


@pytest.mark.parametrize("dataset", [ADULT, HOUSING], ids=lambda dataset: dataset.id)
def test_a_bento_answers_what_the_deployment_answers(
    jobs: Jobs, client: Client, running: RunningFairlead, here: Path, dataset: Dataset
) -> None:
    deployment = jobs.deployed(dataset)
    sample = jobs.rows(dataset, ROWS)
    rows = [*sample, *awkward(sample)]

    made = export(running, dataset.id)
    with served(made["path"], here) as http:
        told = http.post("/predict", json={"rows": rows}).json()

    answered = client.deployments.predict(dataset.id, rows)
    number = deployment["model_version"].rpartition("/")[2]
    assert (made["path"], made["tag"]) == (str(here / f"{dataset.id}-{number}-bento"), f"{dataset.id}:{number}")
    assert told["model_version"] == answered["model_version"] == deployment["model_version"]
    for inside, outside in zip(answered["predictions"], told["predictions"], strict=True):
        assert outside == {
            key: pytest.approx(value, abs=1e-9) if key != "label" else value for key, value in inside.items()
        }
