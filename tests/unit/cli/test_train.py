from __future__ import annotations

from pathlib import Path
from typing import Any

from services.gateway.schemas.run import Leaderboard
from services.gateway.schemas.workflow import Workflow
from tests.unit.cli.conftest import Shell
from tests.unit.client.messages import WORKFLOW, logged, staged, task, told, trial
from tests.unit.client.stage import Answer, Stage, as_json, calls, events

DONE = Workflow.example() | {"name": WORKFLOW, "state": "succeeded"}
EVENTS = "GET /tasks/t1/events"


def play(stage: Stage, *messages: dict[str, Any], workflow: dict[str, Any] = DONE) -> None:
    stage.answer("POST /workflows", as_json(workflow | {"state": "pending"}, 202))
    stage.answer(EVENTS, events(*(messages or (told(1, "succeeded"),))))
    stage.answer("GET /workflows/t1", workflow)
    stage.answer("GET /runs/5f2c/leaderboard", Leaderboard.example())


def test_the_whole_flow_is_printed(stage: Stage, shell: Shell) -> None:
    play(
        stage,
        told(1, stage="profile", progress=0.01),
        logged(2, "Replaced 12 nulls in 'age' with mean [35.716]"),
        staged(3, "profile", "running"),
        staged(4, "profile", "succeeded", "1,000 rows [x]"),
        trial(5, 0.91),
        trial(6, None),
        told(7, "succeeded", stage="export", progress=1.0),
    )

    said = shell.run('train adult --target "num > 0" --budget 5m --family linear --family xgboost --seed 7')

    assert said.status == 0
    assert "INFO 2026-01-31T17:01:03Z | fit | Replaced 12 nulls in 'age' with mean [35.716]" in said.err
    assert "✓ profile 1,000 rows [x]" in said.err
    assert "running" not in said.err
    assert "100%" in said.err
    assert "lightgbm-3" in said.out
    assert "roc_auc: higher is better" in said.out
    assert said.out.endswith("Registered adult/1\nNext: fairlead deploy adult/1\n")
    assert stage.asked[0].json == {
        "dataset": "datasets/adult/versions/latest",
        "target": "num > 0",
        "budget": "5m",
        "families": ["linear", "xgboost"],
        "seed": 7,
        "require_approval": False,
    }


def test_what_a_stage_says_itself_is_printed_once(stage: Stage, shell: Shell) -> None:
    play(
        stage,
        logged(1, "chose linear", "conductor.select_models"),
        told(2, progress=0.5),
        staged(3, "select_models", "succeeded", "chose linear"),
        logged(4, "waiting for a service that is away", "conductor"),
        logged(5, "a person approved the run", "conductor.review"),
        staged(6, "review", "succeeded", "approved by a person"),
        logged(7, "the last word", "conductor.export"),
        told(8, "succeeded"),
    )

    lines = [line.partition("| ")[2] or line for line in shell.run("train adult").err.splitlines()[:5]]

    assert lines == [
        "✓ select_models chose linear",
        "conductor | waiting for a service that is away",
        "conductor.review | a person approved the run",
        "✓ review approved by a person",
        "conductor.export | the last word",
    ]


def test_of_a_long_leaderboard_the_best_are_printed(stage: Stage, shell: Shell) -> None:
    play(stage)
    board = Leaderboard.example()
    stage.answer("GET /runs/5f2c/leaderboard", board | {"entries": board["entries"] * 12})

    said = shell.ok("train adult")

    assert said.count("lightgbm-3") == 10
    assert "2 more: fairlead runs leaderboard" in said


def test_a_wish_in_words_needs_nothing_else(stage: Stage, shell: Shell) -> None:
    play(stage)

    shell.ok("train --goal", "predict income from adult within 5 minutes")

    assert stage.asked[0].json == {"goal": "predict income from adult within 5 minutes", "require_approval": False}


def test_a_file_is_uploaded_first(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "Sales 2024.csv").write_text("a\n1\n")
    play(stage)
    version = {"name": "projects/default/datasets/sales-2024/versions/2"}
    stage.answer("POST /datasets", task("pending"))
    stage.answer(EVENTS, events(told(1, "succeeded", result=version)), events(told(1, "succeeded")))

    shell.ok("train", "Sales 2024.csv")

    assert stage.asked[2].json["dataset"] == "datasets/sales-2024/versions/2"


def test_a_review_that_waits_tells_how_to_answer_it(stage: Stage, shell: Shell) -> None:
    play(stage, staged(1, "review", "waiting", "held-out roc_auc 0.4"), told(2, "succeeded"))

    said = shell.run("train adult --require-approval")

    assert "… review held-out roc_auc 0.4" in said.err
    assert "it waits for a person: fairlead workflows review t1 --approve (or --reject)" in said.err


def test_json_is_all_that_is_printed_for_machines(stage: Stage, shell: Shell) -> None:
    play(stage, logged(1, "x"), told(2, "succeeded"))

    said = shell.run("train adult --json")

    assert said.json == DONE
    assert said.err == ""


def test_detached_it_returns_at_once(stage: Stage, shell: Shell) -> None:
    play(stage)

    assert shell.ok("train adult --detach") == "Started. Follow it: fairlead tasks logs -f t1\n"
    assert calls(stage.asked) == ["POST /workflows"]


def test_a_training_that_fails_ends_with_its_error(stage: Stage, shell: Shell) -> None:
    play(stage, staged(1, "train", "failed", "out of memory"), told(2, "failed", error="out of memory"))

    said = shell.run("train adult")

    assert (said.status, said.out) == (1, "")
    assert "✗ train out of memory" in said.err
    assert "error: out of memory\n  its log: fairlead tasks logs t1\n" in said.err


def test_without_dataset_and_goal_it_is_a_usage_error(shell: Shell) -> None:
    said = shell.run("train")

    assert said.status == 2
    assert "--goal" in said.err


def test_an_answer_the_gateway_cannot_give_is_an_error(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /workflows", Answer(b"", 503))

    assert "503 Service Unavailable" in shell.run("train adult").err
