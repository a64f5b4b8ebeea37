from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Shell
from tests.unit.client.messages import task, told
from tests.unit.client.stage import API, Answer, Stage, events, page, problem


def test_a_refused_call_says_what_is_wrong_and_where(stage: Stage, shell: Shell) -> None:
    wrong = {"field": "rows[3].age", "description": "must be a number"}
    stage.answer("GET /models", problem(400, "INVALID_ARGUMENT", "row 3 is wrong", wrong))

    said = shell.run("models list --json")

    assert (said.status, said.out) == (1, "")
    assert said.err == "error: row 3 is wrong\n  rows[3].age: must be a number\n  request id r-1\n"


def test_what_is_said_already_is_not_said_again(stage: Stage, shell: Shell) -> None:
    wrong = {"field": "traffic", "description": "the percentages sum to 110"}
    stage.answer("GET /models", problem(400, "INVALID_ARGUMENT", "traffic: the percentages sum to 110", wrong))

    assert shell.run("models list").err == "error: traffic: the percentages sum to 110\n  request id r-1\n"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (
            "there is no deployment 'projects/default/deployments/nix'",
            "error: there is no deployment 'nix'\n  see what is there: fairlead deployments list\n",
        ),
        (
            "there is no model 'projects/default/models/nix'; export a run to make it",
            "error: there is no model 'nix'; export a run to make it\n  see what is there: fairlead models list\n",
        ),
        (
            "there is no model version 'projects/default/models/adult/aliases/best'; list them",
            "error: there is no model version 'adult@best'; list them\n"
            "  see what is there: fairlead models versions adult\n",
        ),
        (
            "there is no project 'nix'; GET /api/v1/projects lists them",
            "error: there is no project 'nix'\n  see what is there: fairlead projects list\n",
        ),
        ("there is no such thing", "error: there is no such thing\n"),
    ],
)
def test_what_is_not_there_is_told_with_the_command_that_lists_it(
    stage: Stage, shell: Shell, detail: str, told: str
) -> None:
    stage.answer("GET /models", problem(404, "NOT_FOUND", detail))

    assert shell.run("models list").err == f"{told}  request id r-1\n"


def test_without_a_fairlead_the_error_says_how_to_start_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRLEAD_URL")

    said = shell.run("models list")

    assert said.status == 1
    assert said.err.startswith("error: no Fairlead is running with home")
    assert "fairlead up" in said.err


def test_a_fairlead_that_is_gone_is_told(shell: Shell) -> None:
    said = shell.run("--url http://127.0.0.1:1 models list")

    assert said.status == 1
    assert "nothing answers at http://127.0.0.1:1" in said.err
    assert "is `fairlead up` running there?" in said.err


def test_something_else_at_the_address_is_told(stage: Stage, shell: Shell) -> None:
    stage.answer(f"GET {API}/status", Answer(b"<html/>", kind="text/html"))

    assert "is that Fairlead's address?" in shell.run("status").err


def test_an_answer_that_breaks_off_is_told(stage: Stage, shell: Shell) -> None:
    stage.answer(f"GET {API}/status", Answer(b"{", cut=True))

    said = shell.run("status")

    assert said.status == 1
    assert "the connection to Fairlead failed" in said.err


def test_a_failed_task_points_to_its_log(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    stage.answer("POST /datasets", task("pending"))
    stage.answer("GET /tasks/t1/events", events(told(1, "failed", error="line 3 has 4 values")))

    said = shell.run("datasets upload a.csv")

    assert said.status == 1
    assert "error: line 3 has 4 values\n  its log: fairlead tasks logs t1\n" in said.err


def test_a_file_that_is_not_there_is_told(shell: Shell) -> None:
    said = shell.run("datasets upload none.csv")

    assert said.status == 1
    assert "none.csv: No such file or directory" in said.err


@pytest.mark.parametrize("command", ["train", "predict-batch income"])
def test_a_mistyped_file_is_not_taken_for_a_dataset(shell: Shell, command: str) -> None:
    said = shell.run(f"{command} adlut.csv")

    assert said.status == 2
    assert "there is no file 'adlut.csv'" in said.err


def test_a_name_of_another_project_is_refused(shell: Shell) -> None:
    said = shell.run("deploy projects/other/models/adult/versions/1")

    assert said.status == 1
    assert "not in the project 'default'" in said.err


def test_a_reader_that_has_enough_is_no_error(stage: Stage) -> None:
    stage.answer("GET /tasks", page(*(task(name=f"projects/default/tasks/{n}") for n in range(200))))
    command = f"{sys.executable} -m fairlead.cli.main tasks list --limit 200 | head -n 1"
    environment = {**os.environ, "FAIRLEAD_URL": stage.url, "FAIRLEAD_TOKEN": "secret"}

    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=environment)

    assert done.stdout.startswith("task ")
    assert (done.returncode, done.stderr) == (0, "")
