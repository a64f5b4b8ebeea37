"""Workflows: from a dataset to a registered model in eight stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Page, Request, Response
from .common import Target, TaskType
from .dataset import VERSION

StageState = Literal["unspecified", "pending", "running", "waiting", "succeeded", "failed", "cancelled"]
DATASET = "projects/default/datasets/adult"


class WorkflowSpec(Response):
    """What was asked for."""

    goal: str = Field(description="A wish in plain words.", examples=["predict income within 60 s"])
    dataset: str = Field(description="A dataset or one of its versions.", examples=[DATASET])
    target: str = Field(description="A column or comparison; empty means guess.", examples=["income"])
    budget: float | None = Field(description="Seconds of the search.", examples=[60.0])
    metric: str = Field(description="What ranks; empty means by task type.", examples=[""])
    families: list[str] = Field(description="Model families; empty means all that fit.", examples=[[]])
    model_id: str = Field(description="The model to add a version to.", examples=["adult"])
    require_approval: bool = Field(description="Whether the review waits for a person.", examples=[False])
    seed: int = Field(description="Seed of every random choice.", examples=[0])
    skip_steps: list[str] = Field(description="Suggested preparation steps left out.", examples=[[]])


class Stage(Response):
    """One of the eight stages."""

    id: str = Field(
        description="parse_intent, data_source, profile, prepare, select_models, train, review or export.",
        examples=["train"],
    )
    state: StageState = Field(description="Where it stands.", examples=["running"])
    task: str = Field(description="The task that does its work, or empty.", examples=["projects/default/tasks/t-1"])
    summary: str = Field(description="What came out.", examples=["lightgbm-3 leads with roc_auc 0.928"])
    start_time: str | None = Field(description="When it began.", examples=["2026-01-31T17:01:03.000Z"])
    end_time: str | None = Field(description="When it ended.", examples=[None])


class Workflow(Response):
    """A workflow; it is also the task with the same id."""

    name: str = Field(
        description="projects/{project}/workflows/{workflow}", examples=["projects/default/workflows/w-1"]
    )
    spec: WorkflowSpec | None = Field(description="What was asked for.")
    stages: list[Stage] = Field(description="The eight stages in order.")
    task: str = Field(description="Its task: state, logs, cancel.", examples=["projects/default/tasks/w-1"])
    state: str = Field(description="pending, running, waiting, succeeded, failed or cancelled.", examples=["running"])
    error: str = Field(description="Why it failed.", examples=[""])
    dataset_version: str = Field(description="What it trains on.", examples=[VERSION])
    target: Target | None = Field(description="What is predicted.")
    task_type: TaskType = Field(description="The kind of prediction problem.", examples=["binary"])
    preparation: str = Field(description="Once made.", examples=["projects/default/preparations/p-1"])
    run: str = Field(description="Once made.", examples=["projects/default/runs/5f2c"])
    model_version: str = Field(description="Once exported.", examples=["projects/default/models/adult/versions/1"])
    create_time: str | None = Field(description="When it began.", examples=["2026-01-31T17:01:03.000Z"])
    end_time: str | None = Field(description="When it ended.", examples=[None])


class WorkflowPage(Page[Workflow]):
    """One page of workflows, newest first."""


class NewWorkflow(Request):
    """What to do; the fields win over the goal."""

    goal: str = Field("", description="A wish in plain words.", examples=["predict income within 60 s"])
    dataset: str = Field("", description="A dataset or one of its versions.", examples=["datasets/adult"])
    target: str = Field("", description='A column, or "num > 0"; empty means guess.', examples=["income"])
    budget: float | str | None = Field(None, description='Seconds, or "90s", "5m", "1h".', examples=["60s"])
    metric: str = Field("", description="What ranks; empty means by task type.", examples=["roc_auc"])
    families: list[str] = Field(
        default_factory=list, description="Model families; empty means all that fit.", examples=[["lightgbm"]]
    )
    model_id: str = Field("", description="The model to add a version to; empty: the dataset's id.", examples=["adult"])
    require_approval: bool = Field(False, description="True: the review waits for a person.", examples=[False])
    seed: int = Field(0, description="Seed of every random choice.", examples=[0])
    skip_steps: list[str] = Field(
        default_factory=list, description="Suggested preparation steps to leave out.", examples=[["scale"]]
    )


class Review(Request):
    """The answer to a review that waits."""

    approve: bool = Field(description="True lets the workflow go on to export.", examples=[True])
    comment: str = Field("", description="Why; kept with the workflow.", examples=["good enough for the pilot"])
