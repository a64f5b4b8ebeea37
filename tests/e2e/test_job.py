"""The whole job on real data reaches a quality that nothing but real training reaches."""

from __future__ import annotations

import pytest

from fairlead import Client
from tests.e2e.jobs import ADULT, DATASETS, HEART, HOUSING, WINE, Dataset, Jobs

pytestmark = pytest.mark.e2e

STAGES = ["parse_intent", "data_source", "profile", "prepare", "select_models", "train", "review", "export"]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.id)
def test_the_workflow_runs_its_eight_stages(jobs: Jobs, dataset: Dataset) -> None:
    workflow = jobs.trained(dataset)

    assert [(stage["id"], stage["state"]) for stage in workflow["stages"]] == [(s, "succeeded") for s in STAGES]
    assert workflow["model_version"].startswith(f"projects/default/models/{dataset.id}/versions/")


@pytest.mark.parametrize(
    ("dataset", "task_type", "metric", "floor"),
    [
        (ADULT, "binary", "roc_auc", 0.92),
        (HEART, "binary", "roc_auc", 0.87),
        (HOUSING, "regression", "r2", 0.80),
    ],
    ids=lambda value: getattr(value, "id", None),
)
def test_held_out_quality(
    jobs: Jobs, client: Client, dataset: Dataset, task_type: str, metric: str, floor: float
) -> None:
    run = client.runs.get(jobs.trained(dataset)["run"])

    assert run["task_type"] == task_type
    assert run["metrics"][metric] >= floor


def test_wine_quality_is_far_above_the_majority(jobs: Jobs, client: Client) -> None:
    run = client.runs.get(jobs.trained(WINE)["run"])

    assert run["task_type"] == "multiclass"
    assert run["metrics"]["accuracy"] >= run["baseline_metrics"]["accuracy"] + 0.15


def test_the_target_is_guessed_when_it_is_not_given(jobs: Jobs) -> None:
    assert jobs.trained(HOUSING)["target"] == {"column": "median_house_value", "condition": ""}


def test_a_part_of_a_columns_name_is_understood(jobs: Jobs) -> None:
    assert jobs.trained(ADULT)["target"]["column"] == "income-per-year"


def test_the_leaderboard_ranks_several_families_and_an_ensemble(jobs: Jobs, client: Client) -> None:
    board = client.runs.leaderboard(jobs.trained(ADULT)["run"])

    families = {entry["family"] for entry in board["entries"]}
    scores = [entry["score"] for entry in board["entries"]]
    assert len(families - {"ensemble"}) >= 3
    assert scores == sorted(scores, reverse=board["greater_is_better"])
    assert [entry["rank"] for entry in board["entries"]] == list(range(1, len(scores) + 1))


def test_no_trial_begins_once_the_time_budget_is_used_up(jobs: Jobs, client: Client) -> None:
    messages = client.tasks.follow(jobs.trained(ADULT)["task"])

    trials = [message["train_progress"] for message in messages if message["type"] == "TRAIN_PROGRESS"]

    assert {trial["budget_seconds"] for trial in trials} == {60}
    # Each but the last had ended before another began.
    assert all(trial["elapsed_seconds"] < 60 for trial in trials[:-1])


def test_the_log_tells_what_each_step_did(jobs: Jobs, client: Client) -> None:
    workflow = jobs.trained(ADULT)

    text = client.tasks.logs_text(workflow["task"])

    assert " | prepare." in text
    assert "lightgbm" in text


def test_the_events_carry_stages_and_training_progress(jobs: Jobs, client: Client) -> None:
    messages = list(client.tasks.follow(jobs.trained(ADULT)["task"]))

    stages = {m["stage_status"]["stage"]["id"] for m in messages if m["type"] == "STAGE_STATUS"}
    trials = [m["train_progress"] for m in messages if m["type"] == "TRAIN_PROGRESS"]
    assert stages == set(STAGES)
    assert len(trials) >= 3
    assert max(trial["best_score"] for trial in trials) == trials[-1]["best_score"]


def test_a_project_does_not_see_anothers_resources(jobs: Jobs, client: Client) -> None:
    workflow = jobs.trained(ADULT)
    client.projects.create("other")
    other = Client(client.connection.url, client.connection.token, "other")

    from fairlead import ApiError

    assert other.datasets.list() == []
    assert other.models.list() == []
    for look in (
        lambda: other.runs.get(workflow["run"]),
        lambda: other.models.get("adult"),
        lambda: other.tasks.get(workflow["task"]),
        lambda: other.workflows.get(workflow["name"]),
    ):
        with pytest.raises(ApiError) as refused:
            look()
        assert refused.value.status == 404
