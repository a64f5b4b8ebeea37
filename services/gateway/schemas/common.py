"""What several nouns share: columns, targets, preparation steps."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .base import Request, Response

TaskType = Literal["unspecified", "binary", "multiclass", "regression"]
ColumnKind = Literal["unspecified", "number", "text", "datetime", "boolean"]


class Target(Response):
    """What is predicted."""

    column: str = Field(description="The column that holds the truth.", examples=["income"])
    condition: str = Field(
        "", description='Empty, or a comparison that makes two classes, such as "> 0".', examples=[""]
    )


class TargetChoice(Request):
    """The target to use."""

    column: str = Field(description="The column that holds the truth.", examples=["num"])
    condition: str = Field(
        "", description='Empty, or a comparison that makes two classes, such as "> 0".', examples=["> 0"]
    )


class PreparationStep(Response):
    """One ordered step that readies a table for training."""

    id: str = Field(description="Stable within one list of steps.", examples=["impute-age"])
    kind: str = Field(
        description="drop_columns, drop_duplicates, impute, datetime_parts, group_rare, one_hot, ordinal, "
        "target_encode or scale.",
        examples=["impute"],
    )
    columns: list[str] = Field(
        default_factory=list, description="The columns it reads; empty for whole rows.", examples=[["age"]]
    )
    params: dict[str, Any] | None = Field(
        None, description="Parameters of this kind of step.", examples=[{"strategy": "median"}]
    )
    confidence: float | None = Field(0.0, description="How sure the suggestion is, 0 to 1.", examples=[0.9])
    rationale: str = Field(
        "", description="Why, with figures from the data.", examples=["12 of 300 values (4 %) are missing."]
    )
    preview: str = Field(
        "", description="Before and after, in plain text.", examples=["age: [39, null] -> [39, 35.716]"]
    )


class ModelSuggestion(Response):
    """One model family proposed for a target."""

    id: str = Field(description="Stable within one list.", examples=["lightgbm"])
    family: str = Field(description="The model family.", examples=["lightgbm"])
    params: dict[str, Any] | None = Field(
        None, description="Starting hyperparameters.", examples=[{"n_estimators": 300, "learning_rate": 0.05}]
    )
    confidence: float | None = Field(0.0, description="How sure the suggestion is, 0 to 1.", examples=[0.8])
    rationale: str = Field(
        "", description="Why.", examples=["48,842 rows and 8 categorical columns suit boosted trees."]
    )
    preview: str = Field("", description="What to expect.", examples=["majority class 76.1 %"])
