"""A whole training on real data, in process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from fairlead.kit.blobs import open_blob_store
from fairlead.kit.tasks import Checkpoints, CheckpointWriter
from services.trainer.adapters.journal import TrialJournal
from services.trainer.domain.metrics import find_metric
from services.trainer.domain.ranking import rank
from services.trainer.domain.search import Budget, Trial
from services.trainer.domain.table import TrainingTable, build_table
from services.trainer.domain.training import ENSEMBLE, Training, TrainingPlan, TrainingResult
from tests.data import SHARED_DATA


class Listener:
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.told: list[tuple[Trial, bool]] = []

    def stage(self, name: str, message: str, **meta: Any) -> None:
        self.stages.append(name)

    def trial(self, trial: Trial, complete: bool) -> None:
        self.told.append((trial, complete))


def plan(task_type: str, families: tuple[str, ...], metric: str = "") -> TrainingPlan:
    return TrainingPlan((), families, find_metric(metric, task_type), folds=3, seed=0, holdout=0.25, threads=1)


@pytest.fixture(scope="module")
def penguins() -> TrainingTable:
    return build_table(pyarrow.csv.read_csv(SHARED_DATA / "penguins" / "penguins.csv"), "species", "", "")


@pytest.fixture(scope="module")
def trained(penguins: TrainingTable) -> tuple[TrainingResult, Listener]:
    listener = Listener()
    families = ("linear", "decision_tree", "naive_bayes")
    budget = Budget(20.0, time.monotonic)
    return Training(penguins, plan("multiclass", families), budget, listener).run(), listener


def test_the_winner_beats_the_baseline_on_held_out_rows(trained: tuple[TrainingResult, Listener]) -> None:
    result, _ = trained
    assert result.metrics["accuracy"] > 0.95
    assert result.baseline_metrics["accuracy"] < 0.5
    predictions = result.winner.predict_columns(result.holdout.columns)
    assert predictions.shape == (result.holdout.row_count, 3)


def test_each_part_and_trial_is_told(trained: tuple[TrainingResult, Listener]) -> None:
    result, listener = trained
    assert listener.stages == ["search", "ensemble", "refit"]
    assert {trial.family for trial, _ in listener.told} == {"linear", "decision_tree", "naive_bayes"}
    assert {trial.candidate for trial in result.trials} == {trial.candidate for trial, _ in listener.told}
    assert any(complete for _, complete in listener.told)


def test_the_leaderboard_is_best_first(trained: tuple[TrainingResult, Listener]) -> None:
    result, _ = trained
    ranked = rank(result, find_metric("", "multiclass"))
    complete = [entry for entry in ranked if entry.folds >= result.wanted_folds]
    assert [entry.score for entry in complete] == sorted((entry.score for entry in complete), reverse=True)
    assert result.candidate in {entry.candidate for entry in ranked}
    weights = sum(entry.ensemble_weight for entry in ranked)
    assert weights == pytest.approx(1.0 if result.candidate == ENSEMBLE else 0.0)


def test_an_interrupted_attempts_trials_are_not_fitted_again(penguins: TrainingTable, tmp_path: Path) -> None:
    families = ("linear", "decision_tree")
    first = Listener()
    Training(penguins, plan("multiclass", families), Budget(4.0, time.monotonic), first).run()
    checkpoints = Checkpoints(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"), "projects/p/tasks/t1")
    writer = CheckpointWriter(checkpoints)
    journal = TrialJournal(checkpoints, writer)
    for trial, _ in first.told:
        journal.put(trial, elapsed=3.0)
    writer.close(60)
    known, spent = TrialJournal(checkpoints, writer).load()
    assert spent == 3.0
    second = Listener()
    budget = Budget(4.0, time.monotonic, spent=spent)
    result = Training(penguins, plan("multiclass", families), budget, second).run(known)
    finished = {trial.candidate for trial in known if len(trial.results) == 3}
    assert finished
    assert not finished & {trial.candidate for trial, _ in second.told}
    assert finished <= {trial.candidate for trial in result.trials}


def test_a_tiny_budget_still_gives_a_model(penguins: TrainingTable) -> None:
    listener = Listener()
    result = Training(penguins, plan("multiclass", ()), Budget(1.0, time.monotonic), listener).run()
    assert result.metrics["accuracy"] > result.baseline_metrics["accuracy"]


def test_values_are_predicted_and_ranked_by_rmse() -> None:
    table = build_table(pyarrow.csv.read_csv(SHARED_DATA / "auto_mpg" / "auto_mpg.csv"), "mpg", "", "")
    listener = Listener()
    job = Training(table, plan("regression", ("linear", "extra_trees")), Budget(10.0, time.monotonic), listener)
    result = job.run()
    assert result.metrics["r2"] > 0.7
    assert result.metrics["rmse"] < result.baseline_metrics["rmse"]
    assert result.winner.predict_columns(result.holdout.columns).shape == (result.holdout.row_count,)
