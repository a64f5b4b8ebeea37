"""Predictions online, and the truth about them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .base import Request, Schema
from .model import MODEL_VERSION


class PredictionRequest(Request):
    """Rows to predict."""

    rows: list[dict[str, Any]] = Field(
        description="One object a row: column to value; null is a missing value; other columns are ignored.",
        examples=[[{"age": 39, "workclass": "State-gov", "hours_per_week": 40}]],
    )
    request_id: str = Field("", description="Joins feedback to this; made up when empty.", examples=["order-17"])
    routing_key: str = Field(
        "",
        description="Of a traffic split, the same version answers the same key; empty means by chance.",
        examples=["customer-4711"],
    )
    explain: bool = Field(False, description="Answer each column's contribution, too.", examples=[True])
    interval: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="A coverage: answer an interval, or a set of labels, that holds the truth so often.",
        examples=[0.9],
    )

    @classmethod
    def example(cls) -> dict[str, Any]:
        """Return a plain request: not every model has explanations and intervals."""
        return {member: value for member, value in super().example().items() if member in ("rows", "request_id")}


class PredictionInterval(Schema):
    """Where the truth lies with the coverage asked for: lower and upper for a number, else a set of labels."""

    lower: float | None = Field(None, description="For regression: the lower end.")
    upper: float | None = Field(None, description="For regression: the upper end.")
    labels: list[str] | None = Field(None, description="For classification: the classes in the set.")

    @classmethod
    def example(cls) -> dict[str, Any]:
        """Return a set of labels; a regression has an interval."""
        return {"labels": ["<=50K"]}


class PredictionExplanation(Schema):
    """What the contributions sum to: with the base value, to what the model says on this scale."""

    scale: Literal["probability", "log_odds", "value"] = Field(description="The scale.", examples=["log_odds"])
    base_value: float | dict[str, float] = Field(
        description="What is said before any column is known; one a class for more than two.", examples=[-1.2]
    )
    label: str | None = Field(description="Of two classes, the one that is explained.", examples=[">50K"])


class Prediction(Schema):
    """What is predicted for one row: label and probabilities, or value."""

    label: str | None = Field(None, description="The likeliest class.", examples=["<=50K"])
    probabilities: dict[str, float] | None = Field(
        None, description="Class to probability.", examples=[{"<=50K": 0.91, ">50K": 0.09}]
    )
    value: float | None = Field(None, description="The predicted number, for regression instead.")
    contributions: dict[str, float] | dict[str, dict[str, float]] | None = Field(
        None,
        description="Where asked for: column to contribution; for more than two classes, one such object a class.",
        examples=[{"age": 0.4, "workclass": -0.1, "hours_per_week": -1.4}],
    )
    interval: PredictionInterval | None = Field(None, description="Where asked for.")

    @classmethod
    def example(cls) -> dict[str, Any]:
        """Return a classification; a regression has only a value."""
        return {"label": "<=50K", "probabilities": {"<=50K": 0.91, ">50K": 0.09}}


class PredictionResponse(Schema):
    """Predictions in the order of the rows."""

    request_id: str = Field(description="Send it with feedback.", examples=["order-17"])
    model_version: str = Field(description="What answered.", examples=[MODEL_VERSION])
    predictions: list[Prediction] = Field(description="One entry a row.")
    explanation: PredictionExplanation | None = Field(None, description="Where asked for.")
    coverage: float | None = Field(None, description="Of the intervals, where asked for.", examples=[0.9])

    @classmethod
    def example(cls) -> dict[str, Any]:
        """Return the answer to a plain request."""
        return {member: value for member, value in super().example().items() if cls.model_fields[member].is_required()}


class Truth(Request):
    """What turned out to be right for one predicted row."""

    request_id: str = Field(description="The prediction's.", examples=["order-17"])
    row: int = Field(0, ge=0, description="The row within the request, from 0.", examples=[0])
    value: str | float | bool = Field(description="The class label, or the number.", examples=["<=50K"])


class NewFeedback(Request):
    """Truths to record."""

    truths: list[Truth] = Field(min_length=1, description="At least one.")


class FeedbackReceipt(Schema):
    """What was recorded."""

    accepted_count: int = Field(description="Truths that were recorded.", examples=[1])
