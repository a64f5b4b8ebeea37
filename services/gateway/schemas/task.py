"""Tasks: long work, its progress and its log."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .base import Page, Response
from .workflow import Stage

TaskState = Literal["unspecified", "pending", "running", "succeeded", "failed", "cancelled"]
TASK = "projects/default/tasks/t-1"


class Task(Response):
    """One piece of long work."""

    name: str = Field(description="projects/{project}/tasks/{task}", examples=[TASK])
    kind: str = Field(
        description="Such as import, profile, prepare, train, export, batch_predict, workflow.", examples=["train"]
    )
    owner: str = Field(description="The service that does it.", examples=["trainer"])
    state: TaskState = Field(description="Where it stands.", examples=["running"])
    progress: float | None = Field(description="From 0 to 1.", examples=[0.4])
    stage: str = Field(description="The stage it is in.", examples=["fit"])
    error: str = Field(description="What went wrong, when failed.", examples=[""])
    error_code: str = Field(description="The canonical error code, when failed.", examples=[""])
    resource: str = Field(description="What it works on or made.", examples=["projects/default/runs/5f2c"])
    parent_task: str = Field(description="The workflow task it is part of, or empty.", examples=[""])
    attempt: int = Field(description="How often it was started.", examples=[1])
    result: dict[str, Any] | None = Field(
        description='What it returned, once succeeded; "@type" names the message.', examples=[None]
    )
    create_time: str | None = Field(description="When it was asked for.", examples=["2026-01-31T17:01:03.000Z"])
    start_time: str | None = Field(description="When it was started.", examples=["2026-01-31T17:01:03.100Z"])
    end_time: str | None = Field(description="When it ended.", examples=[None])


class TaskPage(Page[Task]):
    """One page of tasks, newest first."""


class LogLine(Response):
    """One structured line that a task printed."""

    task: str = Field(description="The task.", examples=[TASK])
    time: str | None = Field(description="When.", examples=["2026-01-31T17:01:03.123Z"])
    level: str = Field(description="DEBUG, INFO, WARNING or ERROR.", examples=["INFO"])
    source: str = Field(description="The part that speaks.", examples=["prepare.impute"])
    message: str = Field(description="The line.", examples=["Replaced 12 nulls in 'age' with mean 35.716"])
    meta: dict[str, Any] | None = Field(description="Its figures.", examples=[{"column": "age", "rows": 12}])


class LogPage(Page[LogLine]):
    """One page of log lines, oldest first."""


class StageStatus(Response):
    """A workflow's stage changed."""

    workflow: str = Field(description="The workflow.", examples=["projects/default/workflows/w-1"])
    stage: Stage | None = Field(description="The stage as it now stands.")


class TrainProgress(Response):
    """A trial ended."""

    run: str = Field(description="The run.", examples=["projects/default/runs/5f2c"])
    trials_done: int = Field(description="Trials ended so far.", examples=[12])
    family: str = Field(description="This trial's model family.", examples=["lightgbm"])
    candidate: str = Field(description="This trial's name.", examples=["lightgbm-3"])
    metric: str = Field(description="What ranks.", examples=["roc_auc"])
    score: float | None = Field(description="This trial's.", examples=[0.921])
    best_score: float | None = Field(description="The best so far.", examples=[0.928])
    elapsed_seconds: float | None = Field(description="Since the search began.", examples=[21.5])
    budget_seconds: float | None = Field(description="The search's budget.", examples=[60.0])


class TaskMessage(Response):
    """One message of a task's stream; the member that its type names is set."""

    type: Literal["TASK", "LOG", "STAGE_STATUS", "TRAIN_PROGRESS"] = Field(
        description="What the message tells.", examples=["LOG"]
    )
    offset: int = Field(description="Rises within a task; resume after it.", examples=[17])
    time: str = Field(description="When it happened.", examples=["2026-01-31T17:01:03.123Z"])
    task: Task | None = Field(None, description="The task, for TASK.", examples=[None])
    log: LogLine | None = Field(None, description="The line, for LOG.")
    stage_status: StageStatus | None = Field(None, description="For STAGE_STATUS.", examples=[None])
    train_progress: TrainProgress | None = Field(None, description="For TRAIN_PROGRESS.", examples=[None])
