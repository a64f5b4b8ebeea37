"""What is kept of an answered request, and how requests gather into batches of one deployment and version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from .columns import Array, Columns
from .model import Model
from .prediction import Prediction
from .schema import Schema


class PredictionLog(Protocol):
    """Where answered requests are kept before the caller has the answer."""

    def append(
        self, deployment: str, model: Model, request_id: str, columns: Columns, prediction: Prediction, time_ns: int
    ) -> None:
        """Keep one answered request; time_ns is nanoseconds since 1970. Never raises: what can't be kept is counted."""


class LoggedRequest(NamedTuple):
    """One answered request."""

    request_id: str
    time_ns: int
    columns: Columns
    prediction: Prediction


@dataclass(frozen=True)
class Batch:
    """Requests that one deployment answered with one model version; columns and predictions of all rows in order."""

    deployment: str
    model_version: str
    schema: Schema
    requests: tuple[LoggedRequest, ...]

    @property
    def rows(self) -> int:
        """Return the number of rows of all requests."""
        return sum(request.prediction.rows for request in self.requests)

    def column(self, index: int) -> Array:
        """Return one input of all rows."""
        return np.concatenate([request.columns[index] for request in self.requests])

    def labels(self) -> list[str]:
        """Return the predicted labels of all rows; empty for regression."""
        return [label for request in self.requests for label in request.prediction.labels or ()]

    def values(self) -> list[float]:
        """Return the predicted values of all rows; empty for classification."""
        return _flat(request.prediction.values for request in self.requests)

    def probabilities(self) -> list[float]:
        """Return the probabilities of all rows, row-major; empty for regression."""
        return _flat(request.prediction.probabilities for request in self.requests)


def _flat(arrays: Iterable[Array | None]) -> list[float]:
    return [number for array in arrays if array is not None for number in array.ravel().tolist()]
