"""Runs: one training each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Page, Request, Response
from .common import Target, TaskType
from .dataset import VERSION

METRICS = {"roc_auc": 0.927, "accuracy": 0.873}


class RunSpec(Response):
    """What was trained."""

    preparation: str = Field(description="The preparation.", examples=["projects/default/preparations/p-1"])
    families: list[str] = Field(description="Model families; empty means all that fit.", examples=[["lightgbm"]])
    budget: float | None = Field(description="Seconds of the search.", examples=[60.0])
    folds: int = Field(description="Folds of cross-validation; 0 means by the number of rows.", examples=[5])
    metric: str = Field(description="What ranks; empty means by task type.", examples=["roc_auc"])
    seed: int = Field(description="Seed of every random choice.", examples=[0])
    holdout: float | None = Field(description="Share of rows held out; 0 means 0.2.", examples=[0.2])


class Run(Response):
    """One training."""

    name: str = Field(description="projects/{project}/runs/{run}", examples=["projects/default/runs/5f2c"])
    spec: RunSpec | None = Field(description="What was asked for.")
    task: str = Field(description="The task that trains.", examples=["projects/default/tasks/t-1"])
    dataset_version: str = Field(description="What it was trained on.", examples=[VERSION])
    target: Target | None = Field(description="What is predicted.")
    task_type: TaskType = Field(description="The kind of prediction problem.", examples=["binary"])
    metric: str = Field(description="The metric that ranks the leaderboard.", examples=["roc_auc"])
    metrics: dict[str, float | None] = Field(description="The winner on held-out rows.", examples=[METRICS])
    baseline_metrics: dict[str, float | None] = Field(
        description="The naive baseline on the same rows.", examples=[{"roc_auc": 0.5, "accuracy": 0.761}]
    )
    create_time: str | None = Field(description="When it began.", examples=["2026-01-31T17:01:03.000Z"])
    end_time: str | None = Field(description="When it ended.", examples=["2026-01-31T17:02:03.000Z"])
    train_row_count: int = Field(description="Rows trained on.", examples=[39073])
    holdout_row_count: int = Field(description="Rows held out.", examples=[9769])
    model_version: str = Field(description="Set once exported.", examples=["projects/default/models/adult/versions/1"])
    status: str = Field(description="running, finished, failed or killed.", examples=["finished"])


class RunPage(Page[Run]):
    """One page of runs, newest first."""


class NewRun(Request):
    """A training to start."""

    preparation: str = Field(description="The preparation.", examples=["preparations/p-1"])
    families: list[str] = Field(
        default_factory=list, description="Model families; empty means all that fit.", examples=[["lightgbm"]]
    )
    budget: float | str = Field(60, description='Wall-clock budget: seconds, or "90s", "5m", "1h".', examples=["60s"])
    folds: int = Field(0, ge=0, description="Folds of cross-validation; 0: by the number of rows.", examples=[0])
    metric: Literal["", "roc_auc", "log_loss", "accuracy", "f1_macro", "rmse", "mae", "r2"] = Field(
        "", description="What ranks; empty means by task type.", examples=["roc_auc"]
    )
    seed: int = Field(0, description="Seed of every random choice.", examples=[0])
    holdout: float = Field(0, ge=0, lt=1, description="Share of rows held out; 0 means 0.2.", examples=[0.2])


class ExportChoice(Request):
    """Where to export to."""

    model_id: str = Field("", description="The model to add a version to; empty: the dataset's id.", examples=["adult"])


class LeaderboardEntry(Response):
    """One candidate of a run."""

    rank: int = Field(description="From 1, the best.", examples=[1])
    candidate: str = Field(description="Its name.", examples=["lightgbm-3"])
    family: str = Field(description="Its model family.", examples=["lightgbm"])
    score: float | None = Field(description="The ranking metric by cross-validation.", examples=[0.928])
    score_stddev: float | None = Field(description="Its standard deviation over folds.", examples=[0.002])
    holdout_metrics: dict[str, float | None] = Field(description="On held-out rows.", examples=[METRICS])
    params: dict[str, str] = Field(description="Hyperparameters.", examples=[{"num_leaves": "31"}])
    fit_seconds: float | None = Field(description="Seconds to fit all folds.", examples=[4.2])
    ensemble_weight: float | None = Field(description="0 when not a member.", examples=[0.6])
    mlflow_run_id: str = Field(description="The MLflow run of this trial.", examples=["5f2c"])


class Leaderboard(Response):
    """A run's candidates."""

    entries: list[LeaderboardEntry] = Field(description="The candidates, best first.")
    metric: str = Field(description="What ranks them.", examples=["roc_auc"])
    greater_is_better: bool = Field(description="Whether more is better.", examples=[True])
