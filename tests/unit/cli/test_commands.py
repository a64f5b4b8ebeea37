"""What each command shows of the gateway's own example answers, to people and to machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.gateway.schemas.dataset import Dataset, DatasetVersion
from services.gateway.schemas.deployment import Deployment
from services.gateway.schemas.model import Model, ModelVersion
from services.gateway.schemas.monitor import Alert, DriftReport, Monitor
from services.gateway.schemas.profile import Profile
from services.gateway.schemas.project import Project
from services.gateway.schemas.run import Leaderboard, Run
from services.gateway.schemas.status import Status
from services.gateway.schemas.workflow import Workflow
from tests.unit.cli.conftest import Shell
from tests.unit.client.messages import WORKFLOW, logged, task, told
from tests.unit.client.stage import API, Stage, as_json, calls, events, page, problem

EVENTS = "GET /tasks/t1/events"
WAITING = Workflow.example() | {"name": WORKFLOW, "state": "waiting"}


@pytest.mark.parametrize(
    ("command", "call", "item", "shown"),
    [
        ("projects list", f"GET {API}/projects", Project.example(), ["churn", "Customer churn"]),
        ("datasets list", "GET /datasets", Dataset.example(), ["adult", "2026-01-31 17:01:03Z"]),
        ("runs list", "GET /runs", Run.example(), ["5f2c", "finished", "income", "0.9270", "adult/1"]),
        ("models list", "GET /models", Model.example(), ["adult", "champion 3"]),
        (
            "models versions adult",
            "GET /models/adult/versions",
            ModelVersion.example(),
            ["champion", "ensemble", "onnx"],
        ),
        (
            "deployments list",
            "GET /deployments",
            Deployment.example(),
            ["income", "ready", "adult/1", "default.income"],
        ),
        ("monitors alerts", "GET /alerts", Alert.example(), ["critical", "2 of 3 windows drifted"]),
        ("monitors alerts income", "GET /monitors/income/alerts", Alert.example(), ["critical"]),
        ("tasks list --state running", "GET /tasks", task(), ["t1", "train", "running", "40%", "fit"]),
        ("workflows list", "GET /workflows", WAITING, ["t1", "waiting", "adult/versions/1", "adult/1"]),
    ],
)
def test_lists(stage: Stage, shell: Shell, command: str, call: str, item: dict[str, Any], shown: list[str]) -> None:
    stage.answer(call, page(item))

    said = shell.ok(command)

    assert all(text in said for text in shown), said
    assert "None" not in said
    assert len(said.splitlines()) == 2
    assert shell.json(command) == [item]


def test_an_empty_list_is_not_an_error(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /models", page())

    assert shell.ok("models list") == "(none)\n"
    assert shell.json("models list") == []


def test_the_health_of_the_services(stage: Stage, shell: Shell) -> None:
    stage.answer(f"GET {API}/status", Status.example())

    assert "trainer  serving  127.0.0.1:7403" in shell.ok("status")
    assert shell.json("status") == Status.example()


def test_an_upload_shows_the_version_and_what_was_noticed(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "adult.csv").write_text("a\n1\n")
    stage.answer("POST /datasets", task("pending"))
    stage.answer(EVENTS, events(logged(1, "reading"), told(2, "succeeded", result=DatasetVersion.example())))

    said = shell.ok("datasets upload adult.csv --name census")

    assert stage.asked[0].query["dataset_id"] == "census"
    assert said.splitlines()[:2] == ["adult version 1: 48,842 rows, 1 columns", "  Read '?' as missing in 3 columns."]
    assert shell.json("datasets upload adult.csv") == DatasetVersion.example()


def test_a_dataset_is_shown_with_its_first_rows(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /datasets/adult/versions/latest", DatasetVersion.example())
    stage.answer("GET /datasets/adult/versions/latest/rows", page({"age": 39123}, {"age": None}))

    assert shell.ok("datasets show adult --rows 2").split() == [
        *["adult/versions/1:", "48,842", "rows", "of", "adult.csv"],
        *["Read", "'?'", "as", "missing", "in", "3", "columns.", "age", "39123"],
    ]
    assert stage.last.query["page_size"] == "2"
    assert shell.json("datasets show adult")["rows"] == [{"age": 39123}, {"age": None}]


def test_a_profile_shows_columns_target_and_suggestions(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /datasets/adult/versions/latest:profile", task("pending"))
    stage.answer(EVENTS, events(told(1, "succeeded", result=Profile.example())))

    said = shell.ok("datasets profile adult --previews")

    for text in (
        "48,842 rows, 1 columns, 52 duplicate rows",
        "17 to 90, mean 38.6400",
        "! workclass is missing in 2,799 rows (5.7 %).",
        "Target income (binary)",
        "guess: income, the last column, two classes, a telling name",
        "90% impute-age 12 of 300 values (4 %) are missing.",
        "age: [39, null] -> [39, 35.716]",
        "80% lightgbm 48,842 rows and 8 categorical columns suit boosted trees.",
    ):
        assert text in said
    assert shell.json("datasets profile adult") == Profile.example()


@pytest.mark.parametrize("noun", ["datasets", "deployments"])
def test_deleting(stage: Stage, shell: Shell, noun: str) -> None:
    stage.answer(f"DELETE /{noun}/adult", {})

    assert shell.ok(f"{noun} delete adult") == "Deleted adult\n"
    assert shell.json(f"{noun} delete adult") == {"deleted": "adult"}


def test_the_leaderboard_of_the_newest_run(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /runs", page(Run.example()))
    stage.answer("GET /runs/5f2c/leaderboard", Leaderboard.example())

    assert "1  lightgbm-3  lightgbm" in shell.ok("runs leaderboard")
    assert shell.json("runs leaderboard 5f2c") == Leaderboard.example()


def test_without_a_run_the_leaderboard_says_how_to_get_one(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /runs", page())

    said = shell.run("runs leaderboard")

    assert said.status == 1
    assert "fairlead train DATASET" in said.err


def test_an_alias_is_pointed_at_a_version(stage: Stage, shell: Shell) -> None:
    stage.answer("PUT /models/adult/aliases/champion", Model.example())

    assert shell.ok("models alias adult champion 3") == "adult@champion is version 3\n"
    assert shell.json("models alias adult champion 3") == Model.example()


def test_deploying_makes_a_deployment_named_after_the_model(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /deployments", as_json(Deployment.example(), 201))

    said = shell.ok("deploy adult/1")

    assert stage.last.json["deployment_id"] == "adult"
    assert "income serves adult/1 (ready)" in said
    assert "Open Inference model name: default.income" in said


def test_deploying_again_changes_the_deployment_over(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /deployments", problem(409, "ALREADY_EXISTS", "there is one"))
    stage.answer("PATCH /deployments/income", Deployment.example())

    assert shell.json("deploy adult@challenger --name income") == Deployment.example()
    assert calls(stage.asked) == ["POST /deployments", "PATCH /deployments/income"]


def test_a_deployment_that_does_not_serve_is_a_failure(stage: Stage, shell: Shell) -> None:
    broken = Deployment.example() | {"state": "failed", "error": "the package is damaged"}
    stage.answer("POST /deployments", as_json(broken, 201))

    said = shell.run("deploy adult")

    assert (said.status, said.out) == (1, "")
    assert "adult does not serve: the package is damaged" in said.err
    assert shell.run("deploy adult --json").json == broken


def test_monitors_and_the_newest_report_of_one(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /monitors", page(Monitor.example()))
    stage.answer("GET /monitors/income", Monitor.example())
    stage.answer("GET /monitors/income/reports", page(DriftReport.example()))
    stage.answer("GET /monitors/income/alerts", page(Alert.example()))
    stage.answer("GET /alerts", page())

    assert "120/500" in shell.ok("monitors status")
    said = shell.ok("monitors status income")
    for text in ("window of 500 rows", "psi", "0.3100", "mean 38.6 -> 51.2", "critical 2026-01-31 17:06:03Z 2 of 3"):
        assert text in said
    assert shell.json("monitors status income")["reports"] == [DriftReport.example()]


def test_predictions_that_were_not_logged_are_told_beside_a_monitor_that_is_ok(stage: Stage, shell: Shell) -> None:
    told = "1,234 predictions of projects/default/deployments/income between ... were answered and not logged"
    lost = Alert.example() | {"kind": "predictions_not_logged", "columns": [], "report": "", "message": told}
    stage.answer("GET /monitors", page(Monitor.example() | {"alert_count": 1}))
    stage.answer("GET /monitors/income", Monitor.example())
    stage.answer("GET /monitors/income/reports", page())
    stage.answer("GET /monitors/income/alerts", page(lost))
    stage.answer("GET /alerts", page(lost))

    for command in ("monitors status", "monitors status income"):
        said = shell.ok(command).splitlines()
        assert said[-1] == f"critical 2026-01-31 17:06:03Z {told}"
        assert "ok" in said[-2].split()
    assert told in shell.ok("monitors alerts income")
    assert shell.json("monitors status")["alerts"] == [lost]


def test_a_log_is_printed_as_lines_or_as_json_lines(stage: Stage, shell: Shell) -> None:
    line = logged(1, "Replaced [12] nulls")["log"]
    stage.answer("GET /tasks/t1/logs", page(line, line))

    assert shell.ok("tasks logs t1") == "INFO 2026-01-31T17:01:03Z | fit | Replaced [12] nulls\n" * 2
    assert len(shell.ok("tasks logs t1 --json").splitlines()) == 2


def test_a_log_is_followed_to_the_end(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /tasks/t1", task())
    stage.answer(EVENTS, events(told(1), logged(2, "x"), told(3, "failed", error="out of [memory]")))

    assert shell.ok("tasks logs -f t1").splitlines() == [
        "INFO 2026-01-31T17:01:03Z | fit | x",
        "t1 failed. out of [memory]",
    ]
    assert shell.json("tasks logs -f t1")["message"] == "x"


def test_following_a_task_that_is_not_there_fails_at_once(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /tasks/t1", problem(404, "NOT_FOUND", "there is no task t1"))

    assert shell.run("tasks logs -f t1").status == 1


def test_a_task_is_cancelled(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /tasks/t1:cancel", task("cancelled"))

    assert shell.ok("tasks cancel t1") == "t1 is cancelled\n"
    assert shell.json("tasks cancel t1")["state"] == "cancelled"


def test_a_workflow_that_waits_says_how_to_answer(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /workflows/t1", WAITING)

    said = shell.ok("workflows show t1")

    assert said.startswith("t1 waiting")
    assert "Next: fairlead workflows review t1 --approve (or --reject)" in said
    assert shell.json("workflows show t1") == WAITING


@pytest.mark.parametrize(
    ("flag", "approve", "word"), [("--approve", True, "Approved"), ("--reject", False, "Rejected")]
)
def test_a_review_is_answered(stage: Stage, shell: Shell, flag: str, approve: bool, word: str) -> None:
    stage.answer("POST /workflows/t1:review", WAITING)

    assert shell.ok(f"workflows review t1 {flag} --comment", "good enough") == f"{word} t1\n"
    assert stage.last.json == {"approve": approve, "comment": "good enough"}
    assert shell.json(f"workflows review t1 {flag}") == WAITING


def test_a_project_is_made_and_worked_in(stage: Stage, shell: Shell) -> None:
    stage.answer(f"POST {API}/projects", as_json(Project.example(), 201))
    stage.answer(f"GET {API}/projects/churn/models", page())

    assert shell.ok("projects create churn") == "Made project churn; work in it with --project churn\n"
    assert shell.ok("--project churn models list") == "(none)\n"
