"""The command line against a running Fairlead, as a person and as a machine uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.data import SHARED_DATA
from tests.e2e.jobs import ADULT, PENGUINS, Jobs
from tests.e2e.running import RunningFairlead

pytestmark = pytest.mark.e2e


class Shell:
    """Runs commands in a folder, connected by the environment."""

    def __init__(self, running: RunningFairlead, folder: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, "FAIRLEAD_HOME": str(running.home), "COLUMNS": "200", "NO_COLOR": "1"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fairlead.cli.main", *arguments],
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=self._environment,
        )

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))


@pytest.fixture
def shell(running: RunningFairlead, tmp_path: Path) -> Shell:
    return Shell(running, tmp_path)


@pytest.fixture(scope="module")
def penguins(running: RunningFairlead, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The job by commands alone: a file in, a deployment out."""
    shell = Shell(running, tmp_path_factory.mktemp("shell"))
    shell.ok("train", str(PENGUINS), "--target", "species", "--budget", "8s", "--family", "linear")
    shell.ok("deploy", "penguins")
    return "penguins"


def test_upload_and_profile(shell: Shell) -> None:
    version = shell.json("datasets", "upload", str(PENGUINS), "--name", "birds")
    said = shell.ok("datasets", "profile", "birds")
    profile = shell.json("datasets", "profile", "birds")

    assert version["row_count"] == 344
    assert "species" in said
    assert profile["target"]["column"] == "species"
    assert "birds" in shell.ok("datasets", "list")


def test_leaderboard_models_and_deployments(shell: Shell, penguins: str) -> None:
    assert "linear" in shell.ok("runs", "leaderboard")
    assert any(m["name"].endswith("/penguins") for m in shell.json("models", "list"))
    assert shell.json("models", "versions", "penguins")[0]["aliases"] == ["champion"]
    assert any(d["state"] == "ready" for d in shell.json("deployments", "list"))


def test_predict_one_row_by_column_values(shell: Shell, penguins: str) -> None:
    answer = shell.json(
        *("predict", penguins, "island=Torgersen", "bill_length_mm=39.1", "bill_depth_mm=18.7"),
        *("flipper_length_mm=181", "body_mass_g=3750", "sex=MALE"),
    )

    assert answer["predictions"][0]["label"] == "Adelie"


def test_predict_a_file_in_batch(shell: Shell, penguins: str, tmp_path: Path) -> None:
    shell.ok("predict-batch", penguins, str(PENGUINS), "--output", "out.csv")

    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 345
    assert "prediction" in lines[0]


def test_monitors_status(shell: Shell, penguins: str) -> None:
    deadline = time.monotonic() + 20
    while penguins not in (said := shell.ok("monitors", "status")):
        assert time.monotonic() < deadline, said
        time.sleep(0.5)


def test_tasks_can_be_listed_read_and_cancelled(shell: Shell, jobs: Jobs, penguins: str) -> None:
    jobs.trained(ADULT)
    started = shell.json("train", "adult", "--target", "income", "--budget", "300s", "--detach")
    task = started["task"].rsplit("/", 1)[-1]
    deadline = time.monotonic() + 60
    while not any(t["kind"] == "train" and t["state"] == "running" for t in shell.json("tasks", "list")):
        assert time.monotonic() < deadline
        time.sleep(0.3)

    cancelled = shell.json("tasks", "cancel", task)
    followed = shell.ok("tasks", "logs", "-f", task)

    assert cancelled["state"] == "cancelled"
    assert " | " in followed
    while any(t["state"] == "running" for t in shell.json("tasks", "list")):
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_wrong_name_is_a_helpful_error(shell: Shell) -> None:
    done = shell.run("runs", "leaderboard", "nothing")

    assert done.returncode == 1
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_file_is_refused_with_a_reason(shell: Shell) -> None:
    done = shell.run("datasets", "upload", str(SHARED_DATA / "awkward" / "student_mat_bom_double_quoted.csv"))

    assert done.returncode == 1
    assert "one" in done.stderr.lower()


def test_without_a_running_fairlead_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fairlead.cli.main", "models", "list"],
        capture_output=True,
        text=True,
        env={**os.environ, "FAIRLEAD_HOME": str(tmp_path)},
    )

    assert done.returncode == 1
    assert "fairlead up" in done.stderr


def test_shell_completion_is_offered(shell: Shell) -> None:
    assert "--install-completion" in shell.ok("--help")
