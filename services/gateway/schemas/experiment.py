"""Experiments: model versions compared by the truths."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Response
from .common import TaskType
from .model import MODEL_VERSION

DEPLOYMENT = "projects/default/deployments/income"
CHALLENGER = "projects/default/models/adult/versions/2"
Verdict = Literal[
    "unspecified", "challenger_better", "champion_better", "undecided", "too_few_truths", "not_comparable"
]
SENTENCE = (
    "undecided between adult/2 and adult/1: its error rate is between 3.1 points lower and 1.2 points higher; about "
    "6,300 more truths decide it, at this rate and if the difference stays as it is"
)


class ArmMetric(Response):
    """How right a version was; the interval, at 95 %, holds for one look at it."""

    metric: str = Field(
        description="error_rate, accuracy, balanced_accuracy, precision, recall, f1, f1_macro, brier_score, "
        "mean_absolute_error or mean_squared_error.",
        examples=["error_rate"],
    )
    value: float | None = Field(description="Its value.", examples=[0.142])
    lower: float | None = Field(description="Lower end; null where no sound one is known.", examples=[0.127])
    upper: float | None = Field(description="Upper end.", examples=[0.158])
    interval: str = Field(description="wilson or student; empty for none.", examples=["wilson"])


class ExperimentArm(Response):
    """One model version in the split."""

    model_version: str = Field(description="The version.", examples=[MODEL_VERSION])
    shadow: bool = Field(description="Its answers reach no caller.", examples=[False])
    champion: bool = Field(description="The others are compared with it.", examples=[True])
    percent: float | None = Field(description="Its newest share of the requests.", examples=[90.0])
    request_count: int = Field(description="Requests in the prediction log.", examples=[18000])
    row_count: int = Field(description="Rows in the prediction log.", examples=[18000])
    estimated_row_count: int = Field(
        description="Rows that were answered, where the log is sampled; else row_count.", examples=[18000]
    )
    feedback_request_count: int = Field(description="Requests with a truth.", examples=[2000])
    feedback_row_count: int = Field(description="Rows with a truth.", examples=[2000])
    task_type: TaskType = Field(description="What it predicts; unspecified before an answer.", examples=["binary"])
    metrics: list[ArmMetric] = Field(description="Over the rows with a truth; the one that decides first.")


class MetricDifference(Response):
    """A version's metric less the champion's; valid however often, and whenever, one looks."""

    metric: str = Field(description="The metric; less is better.", examples=["error_rate"])
    difference: float | None = Field(description="Below 0: the challenger errs less.", examples=[-0.0095])
    lower: float | None = Field(description="Lower end; null for too few truths.", examples=[-0.031])
    upper: float | None = Field(description="Upper end.", examples=[0.012])
    p_value: float | None = Field(description="Always-valid, of this metric alone.", examples=[0.71])


class ArmComparison(Response):
    """A challenger's or a shadow's difference from the champion."""

    model_version: str = Field(description="Who is compared with the champion.", examples=[CHALLENGER])
    shadow: bool = Field(description="Whether it is a shadow.", examples=[False])
    verdict: Verdict = Field(description="What the truths say, by the first difference.", examples=["undecided"])
    differences: list[MetricDifference] = Field(description="The metric that decides, then others.")
    truths_needed: int | None = Field(
        description="About how many more truths decide it, if the difference stays; null where that can't be told.",
        examples=[6300],
    )
    message: str = Field(description="One sentence.", examples=[SENTENCE])


class Experiment(Response):
    """The versions that share a deployment's traffic, compared by the truths that came back."""

    name: str = Field(description="The deployment's name and /experiment.", examples=[f"{DEPLOYMENT}/experiment"])
    deployment: str = Field(description="The deployment.", examples=[DEPLOYMENT])
    number: int = Field(description="Counts the deployment's experiments, from 1.", examples=[2])
    begin_time: str | None = Field(
        description="When the split got these versions.", examples=["2026-01-31T17:01:03.000Z"]
    )
    end_time: str | None = Field(description="When it got others; null while it goes on.", examples=[None])
    arms: list[ExperimentArm] = Field(description="The champion, its challengers, then shadows.")
    comparisons: list[ArmComparison] = Field(description="Of each other version with the champion.")
    metric: str = Field(
        description="The metric that decides: error_rate or mean_absolute_error.", examples=["error_rate"]
    )
    confidence: float | None = Field(
        description="How sure the intervals of a metric's differences are, all together, at all looks.", examples=[0.95]
    )
    summary: str = Field(description="One sentence.", examples=[SENTENCE])
