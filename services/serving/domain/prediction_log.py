"""What is kept of an answered request, and how requests gather into batches of one deployment and version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np

from .columns import Array, Columns
from .model import Model
from .prediction import Prediction
from .schema import Schema


class PredictionLog(Protocol):
    """Where answered requests are kept before the caller has the answer."""

    def append(
        self,
        deployment: str,
        model: Model,
        request_id: str,
        columns: Columns,
        prediction: Prediction,
        time_ns: int,
        *,
        shadow: bool = False,
        sampling_rate: float = 0.0,
    ) -> None:
        """Keep one answered request; time_ns is nanoseconds since 1970. What can't be kept is counted.

        shadow: no caller has the prediction. sampling_rate: the share of requests that is kept; 0 for all.

        Raises Unavailable only where the log was told to refuse what it can't keep: the caller must not be answered.
        """


class WhenFull(Enum):
    """What happens to predictions once the log holds as much as it may."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"
    REFUSE = "refuse"


class LoggedRequest(NamedTuple):
    """One answered request, or some of its rows from first_row on; place is its place among those read with it."""

    place: int
    request_id: str
    time_ns: int
    columns: Columns
    prediction: Prediction
    first_row: int = 0

    def rows_between(self, start: int, end: int) -> LoggedRequest:
        """Return the rows from start up to, not including, end."""
        whole = self.prediction
        part = Prediction(
            end - start,
            labels=None if whole.labels is None else whole.labels[start:end],
            probabilities=None if whole.probabilities is None else whole.probabilities[start:end],
            values=None if whole.values is None else whole.values[start:end],
        )
        columns = tuple(column[start:end] for column in self.columns)
        return self._replace(columns=columns, prediction=part, first_row=self.first_row + start)


@dataclass(frozen=True)
class Batch:
    """Requests that one deployment answered with one model version; columns and predictions of all rows in order.

    shadow: no caller had the predictions. sampling_rate: the share of requests that was kept; 0 for all.
    """

    deployment: str
    model_version: str
    schema: Schema
    requests: tuple[LoggedRequest, ...]
    shadow: bool = False
    sampling_rate: float = 0.0

    @property
    def rows(self) -> int:
        """Return the number of rows of all requests."""
        return sum(request.prediction.rows for request in self.requests)

    def halves(self) -> tuple[Batch, Batch]:
        """Return the batch as two: of its requests, or of the rows of its only one. It must have two rows at least."""
        parts = self.requests
        if len(parts) == 1:
            middle = self.rows // 2
            parts = (parts[0].rows_between(0, middle), parts[0].rows_between(middle, self.rows))
        middle = len(parts) // 2
        return replace(self, requests=parts[:middle]), replace(self, requests=parts[middle:])

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
