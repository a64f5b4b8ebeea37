"""Profiles of dataset versions, and what they suggest."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Request, Response
from .common import ModelSuggestion, PreparationStep, Target, TargetChoice, TaskType

SemanticType = Literal[
    "unspecified", "numeric", "integer", "categorical", "boolean", "datetime", "text", "identifier", "constant"
]


class Quantile(Response):
    """One quantile."""

    probability: float | None = Field(description="From 0 to 1.", examples=[0.5])
    value: float | None = Field(description="The quantile.", examples=[37.0])


class HistogramBin(Response):
    """One bin of a histogram."""

    lower: float | None = Field(description="Its lower edge.", examples=[17.0])
    upper: float | None = Field(description="Its upper edge.", examples=[24.3])
    count: int = Field(description="Values within.", examples=[8431])


class NumericSummary(Response):
    """Moments, quantiles and a histogram."""

    min: float | None = Field(description="Smallest value.", examples=[17.0])
    max: float | None = Field(description="Largest value.", examples=[90.0])
    mean: float | None = Field(description="Mean.", examples=[38.64])
    stddev: float | None = Field(description="Sample standard deviation.", examples=[13.71])
    skewness: float | None = Field(description="Skewness.", examples=[0.56])
    kurtosis: float | None = Field(description="Excess kurtosis.", examples=[-0.18])
    quantiles: list[Quantile] = Field(description="Quantiles, rising.")
    histogram: list[HistogramBin] = Field(description="Bins, rising.")
    outlier_count: int = Field(description="Values beyond 1.5 interquartile ranges of the quartiles.", examples=[216])
    zero_count: int = Field(description="Values that are 0.", examples=[0])
    negative_count: int = Field(description="Values below 0.", examples=[0])


class ValueCount(Response):
    """How often a value occurs."""

    value: str = Field(description="The value as text.", examples=["Private"])
    count: int = Field(description="How often.", examples=[33906])


class ColumnProfile(Response):
    """What one column holds."""

    name: str = Field(description="The column.", examples=["age"])
    semantic_type: SemanticType = Field(description="What it means.", examples=["integer"])
    type: str = Field(description="The stored DuckDB type.", examples=["BIGINT"])
    count: int = Field(description="Rows.", examples=[48842])
    missing_count: int = Field(description="Rows without a value.", examples=[0])
    distinct_count: int = Field(description="Different values.", examples=[74])
    numeric: NumericSummary | None = Field(description="Set for numbers and datetimes (seconds since 1970 UTC).")
    top_values: list[ValueCount] = Field(description="The most frequent values.")
    type_reason: str = Field(description="Why this semantic type.", examples=["whole numbers, 74 different ones"])
    mean_length: float | None = Field(description="Mean length in characters, for text.", examples=[0.0])
    distinct_is_estimate: bool = Field(description="True where distinct_count is an estimate.", examples=[False])


class Correlation(Response):
    """How strongly two columns are associated."""

    left: str = Field(description="One column.", examples=["education"])
    right: str = Field(description="The other.", examples=["education_num"])
    method: str = Field(description="pearson or cramers_v.", examples=["cramers_v"])
    value: float | None = Field(description="The strength.", examples=[1.0])


class TargetGuess(Response):
    """Which column is likely to be predicted."""

    column: str = Field(description="The column.", examples=["income"])
    reason: str = Field(description="Why.", examples=["the last column, two classes, a telling name"])
    confidence: float | None = Field(description="0 to 1.", examples=[0.9])


class Suggestions(Response):
    """What to do with a dataset version for a target."""

    target: Target | None = Field(description="The target they are for.")
    task_type: TaskType = Field(description="The kind of prediction problem.", examples=["binary"])
    preparation_suggestions: list[PreparationStep] = Field(description="Ordered steps.")
    model_suggestions: list[ModelSuggestion] = Field(description="Model families, best guess first.")


class Profile(Suggestions):
    """A dataset version described."""

    name: str = Field(
        description="The version's name and /profile.", examples=["projects/default/datasets/adult/versions/1/profile"]
    )
    row_count: int = Field(description="Rows.", examples=[48842])
    duplicate_row_count: int = Field(description="Rows that repeat an earlier one.", examples=[52])
    columns: list[ColumnProfile] = Field(description="One entry a column.")
    correlations: list[Correlation] = Field(description="Pairs of columns, the strongest association first.")
    target_guess: TargetGuess | None = Field(description="The column that is likely to be predicted.")
    create_time: str | None = Field(description="When it was computed.", examples=["2026-01-31T17:01:03.000Z"])
    warnings: list[str] = Field(
        description="What to look at first.", examples=[["workclass is missing in 2,799 rows (5.7 %)."]]
    )


class NewProfile(Request):
    """How to profile."""

    target: TargetChoice | str | None = Field(
        None, description="A column, or a column with a condition; absent means guess it.", examples=["income"]
    )
