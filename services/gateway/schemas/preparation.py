"""Preparations: plans of steps fitted on a dataset version."""

from __future__ import annotations

from pydantic import Field

from .base import Request, Response
from .common import PreparationStep, Target, TargetChoice, TaskType
from .dataset import VERSION


class StepReport(Response):
    """What one step did."""

    step_id: str = Field(description="The step.", examples=["impute-age"])
    message: str = Field(description="What it did, in words.", examples=["Replaced 12 nulls in 'age' with mean 35.716"])
    rows_affected: int = Field(description="Rows it changed.", examples=[12])


class Preparation(Response):
    """A plan of steps that was fitted once, and what each step did."""

    name: str = Field(
        description="projects/{project}/preparations/{preparation}", examples=["projects/default/preparations/p-1"]
    )
    dataset_version: str = Field(description="What it was fitted on.", examples=[VERSION])
    target: Target | None = Field(description="What is predicted.")
    task_type: TaskType = Field(description="The kind of prediction problem.", examples=["binary"])
    steps: list[PreparationStep] = Field(description="The steps in order.")
    reports: list[StepReport] = Field(description="What each step did.")
    input_row_count: int = Field(description="Rows before.", examples=[48842])
    output_row_count: int = Field(description="Rows after.", examples=[48790])
    output_columns: list[str] = Field(description="Columns after.", examples=[["age", "workclass_Private"]])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])


class NewStep(Request):
    """A step to fit; a suggestion of the profile may be sent back as it came."""

    id: str = Field("", description="Stable within the list.", examples=["impute-age"])
    kind: str = Field(description="The kind of step.", examples=["impute"])
    columns: list[str] = Field(default_factory=list, description="The columns it reads.", examples=[["age"]])
    params: dict[str, object] | None = Field(None, description="Its parameters.", examples=[{"strategy": "median"}])
    confidence: float | None = Field(0.0, description="As suggested; not read.", examples=[0.9])
    rationale: str = Field("", description="Why; kept with the step.", examples=["4 % are missing."])
    preview: str = Field("", description="As suggested; kept with the step.", examples=[""])


class NewPreparation(Request):
    """A preparation to fit."""

    dataset_version: str = Field(description="The dataset version.", examples=["datasets/adult/versions/1"])
    target: TargetChoice | str | None = Field(None, description="What is predicted.", examples=["income"])
    steps: list[NewStep] = Field(default_factory=list, description="The steps in order.")
