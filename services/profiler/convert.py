"""Between the profiler's words and its contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fairlead.api.common.v1 import preparation_pb2, table_pb2
from fairlead.api.profiler.v1 import dataset_pb2, profile_pb2

from .adapters.catalog import DatasetKey, DatasetRow
from .adapters.rows import ColumnRows
from .domain.advice.model import ModelChoice, Step
from .domain.profiling.model import Association, ColumnProfile, Numbers, TableProfile, Target
from .domain.reading.model import ReadTable

_TOP_VALUES = 10


def dataset_message(row: DatasetRow) -> dataset_pb2.Dataset:
    """Return a dataset; its etag changes with each version."""
    message = dataset_pb2.Dataset(name=row.key.name, latest_version=row.latest_version, etag=f"v{row.latest_version}")
    message.create_time.FromDatetime(row.create_time)
    return message


def version_message(key: DatasetKey, file_name: str, table: ReadTable) -> dataset_pb2.DatasetVersion:
    """Return what reading a file gave, still without version number and blobs."""
    message = dataset_pb2.DatasetVersion(
        name=key.name,
        file_name=file_name,
        format=table.format,
        row_count=table.row_count,
        fields=[dataset_pb2.Field(name=column.name, type=column.type) for column in table.columns],
        dialect=table.dialect,
        notes=table.notes,
    )
    message.create_time.FromDatetime(datetime.now(UTC))
    return message


def column_message(column: ColumnRows) -> table_pb2.Column:
    """Return a column's values."""
    if column.numbers is not None:
        return table_pb2.Column(name=column.name, numbers=table_pb2.NumberColumn(values=column.numbers))
    return table_pb2.Column(name=column.name, texts=table_pb2.TextColumn(values=column.texts or ()))


def target_of(message: table_pb2.Target) -> Target | None:
    """Return the asked target, or None where it is to be guessed."""
    return Target(message.column, message.condition) if message.column else None


def profile_message(
    name: str,
    table: TableProfile,
    steps: tuple[Step, ...],
    models: tuple[ModelChoice, ...],
    warnings: tuple[str, ...],
) -> profile_pb2.Profile:
    """Return a profile with its suggestions."""
    message = profile_pb2.Profile(
        name=name,
        row_count=table.rows,
        duplicate_row_count=table.duplicates,
        columns=[_column(column) for column in table.columns],
        correlations=[_correlation(pair) for pair in table.associations],
        preparation_suggestions=[_step(step) for step in steps],
        model_suggestions=[_model(choice) for choice in models],
        warnings=warnings,
    )
    if table.guess is not None:
        message.target_guess.column = table.guess.column
        message.target_guess.reason = table.guess.reason
        message.target_guess.confidence = table.guess.confidence
    if table.target is not None:
        message.target.column, message.target.condition = table.target.column, table.target.condition
    if table.task is not None:
        message.task_type = table_pb2.TaskType.Value(f"TASK_TYPE_{table.task.value}")
    message.create_time.FromDatetime(datetime.now(UTC))
    return message


def _column(column: ColumnProfile) -> profile_pb2.ColumnProfile:
    message = profile_pb2.ColumnProfile(
        name=column.name,
        semantic_type=profile_pb2.SemanticType.Value(f"SEMANTIC_TYPE_{column.semantic.value}"),
        type=column.type,
        count=column.count,
        missing_count=column.missing,
        distinct_count=column.distinct,
        top_values=[
            profile_pb2.ValueCount(value=level.value, count=level.count) for level in column.levels[:_TOP_VALUES]
        ],
        type_reason=column.reason,
        mean_length=column.mean_length,
        distinct_is_estimate=column.estimated,
    )
    if column.numbers is not None:
        message.numeric.CopyFrom(_numbers(column.numbers))
    return message


def _numbers(numbers: Numbers) -> profile_pb2.NumericSummary:
    return profile_pb2.NumericSummary(
        min=numbers.min,
        max=numbers.max,
        mean=numbers.mean,
        stddev=numbers.stddev,
        skewness=numbers.skewness,
        kurtosis=numbers.kurtosis,
        quantiles=[profile_pb2.Quantile(probability=p, value=value) for p, value in numbers.quantiles],
        histogram=[
            profile_pb2.HistogramBin(lower=item.lower, upper=item.upper, count=item.count) for item in numbers.histogram
        ],
        outlier_count=numbers.outliers,
        zero_count=numbers.zeros,
        negative_count=numbers.negatives,
    )


def _correlation(pair: Association) -> profile_pb2.Correlation:
    return profile_pb2.Correlation(left=pair.left, right=pair.right, method=pair.method, value=pair.value)


def _step(step: Step) -> preparation_pb2.PreparationStep:
    message = preparation_pb2.PreparationStep(
        id=step.id,
        kind=step.kind,
        columns=step.columns,
        confidence=step.confidence,
        rationale=step.rationale,
        preview=step.preview,
    )
    message.params.update(_struct(step.params))
    return message


def _model(choice: ModelChoice) -> preparation_pb2.ModelSuggestion:
    message = preparation_pb2.ModelSuggestion(
        id=choice.family,
        family=choice.family,
        confidence=choice.confidence,
        rationale=choice.rationale,
        preview=choice.preview,
    )
    message.params.update(_struct(choice.params))
    return message


def _struct(params: Mapping[str, object]) -> dict[str, Any]:
    return dict(params)
