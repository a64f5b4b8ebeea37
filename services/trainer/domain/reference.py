"""The training data in brief, to compare windows of predictions with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairlead.kit.missing_words import TEXT_TOKENS

from .table import TrainingTable

BINS = 50
CATEGORIES = 100
QUANTILES = 1000
PREDICTION = "prediction"


@dataclass(frozen=True)
class ReferenceColumn:
    """One column: bins and quantiles of numbers, or the most frequent texts. See fairlead.api.drift.v1.Reference."""

    name: str
    kind: str
    count: int
    missing_count: int
    edges: tuple[float, ...] = ()
    bin_counts: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    category_counts: tuple[int, ...] = ()
    other_count: int = 0
    min: float = 0.0
    max: float = 0.0
    mean: float = 0.0
    stddev: float = 0.0
    is_prediction: bool = False
    quantiles: tuple[float, ...] = ()
    other_missing_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReferenceSummary:
    """All columns, the prediction last."""

    row_count: int
    columns: tuple[ReferenceColumn, ...]


def capture_reference(table: TrainingTable, predictions: NDArray[np.float64] | None = None) -> ReferenceSummary:
    """Describe the inputs of the table and, when given, predictions.

    `predictions` are probabilities [m, classes] or values [m], best of rows that the model was not fitted on. Described
    are the last class's probability for two classes, the likeliest label for more, or the value.
    """
    columns = [
        describe_texts(column.name, table.columns[column.name])
        if column.kind == "text"
        else describe_numbers(column.name, column.kind, table.columns[column.name])
        for column in table.inputs
    ]
    if predictions is not None:
        columns.append(_describe_predictions(predictions, table.classes))
    return ReferenceSummary(table.row_count, tuple(columns))


def _describe_predictions(predictions: NDArray[np.float64], classes: tuple[str, ...]) -> ReferenceColumn:
    if len(classes) > 2:
        labels = np.array([*classes, None], dtype=object)[:-1][np.argmax(predictions, axis=1)]
        return describe_texts(PREDICTION, labels, is_prediction=True)
    scores = predictions[:, -1] if classes else predictions.reshape(len(predictions))
    return describe_numbers(PREDICTION, "number", scores, is_prediction=True)


def describe_numbers(
    name: str, kind: str, column: NDArray[np.generic], *, is_prediction: bool = False
) -> ReferenceColumn:
    """Counts in at most 50 bins of about equal count, moments, and up to 1000 quantiles; NaN is missing."""
    values = column.astype(np.float64)
    known = np.sort(values[~np.isnan(values)])
    missing = len(values) - len(known)
    if not len(known):
        return ReferenceColumn(name, kind, len(values), missing, bin_counts=(0,), is_prediction=is_prediction)
    edges = _edges(known)
    bins = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    picked = np.linspace(0, len(known) - 1, min(QUANTILES, len(known)))
    return ReferenceColumn(
        name=name,
        kind=kind,
        count=len(values),
        missing_count=missing,
        edges=tuple(edges.tolist()),
        bin_counts=tuple(bins.tolist()),
        min=float(known[0]),
        max=float(known[-1]),
        mean=float(known.mean()),
        stddev=float(known.std()),
        is_prediction=is_prediction,
        quantiles=tuple(known[np.round(picked).astype(np.int64)].tolist()),
    )


def _edges(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Strictly rising interior edges below the maximum: all values of few, quantiles of many."""
    distinct = np.unique(known)
    if len(distinct) <= BINS:
        return distinct[:-1]
    quantiles = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    return np.asarray(quantiles[quantiles < known[-1]])


def describe_texts(name: str, column: NDArray[np.generic], *, is_prediction: bool = False) -> ReferenceColumn:
    """Counts of the 100 most frequent texts and of all others; "" is missing.

    Of the others only those are named that files also write for "no value": a column of surnames may have a Null.
    """
    counts = Counter(column.tolist())
    missing = counts.pop("", 0)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return ReferenceColumn(
        name=name,
        kind="text",
        count=len(column),
        missing_count=missing,
        categories=tuple(str(label) for label, _ in ordered[:CATEGORIES]),
        category_counts=tuple(count for _, count in ordered[:CATEGORIES]),
        other_count=sum(count for _, count in ordered[CATEGORIES:]),
        other_missing_words=tuple(str(label) for label, _ in ordered[CATEGORIES:] if label in TEXT_TOKENS),
        is_prediction=is_prediction,
    )
