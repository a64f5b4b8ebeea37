"""Predictions, online and in batch, and the truth about them."""

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


class Prediction(Schema):
    """What is predicted for one row: label and probabilities, or value."""

    label: str | None = Field(None, description="The likeliest class.", examples=["<=50K"])
    probabilities: dict[str, float] | None = Field(
        None, description="Class to probability.", examples=[{"<=50K": 0.91, ">50K": 0.09}]
    )
    value: float | None = Field(None, description="The predicted number, for regression instead.")

    @classmethod
    def example(cls) -> dict[str, Any]:
        """Return a classification; a regression has only a value."""
        return {"label": "<=50K", "probabilities": {"<=50K": 0.91, ">50K": 0.09}}


class PredictionResponse(Schema):
    """Predictions in the order of the rows."""

    request_id: str = Field(description="Send it with feedback.", examples=["order-17"])
    model_version: str = Field(description="What answered.", examples=[MODEL_VERSION])
    predictions: list[Prediction] = Field(description="One entry a row.")


class NewBatchPrediction(Request):
    """A dataset version to predict."""

    dataset_version: str = Field(description="The dataset version.", examples=["datasets/adult/versions/1"])
    format: Literal["", "csv", "parquet"] = Field("", description="Of the result; empty means csv.", examples=["csv"])


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
