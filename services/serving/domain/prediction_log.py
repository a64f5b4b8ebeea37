"""What is kept of an answered request, and how requests gather into batches of one deployment and version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple, Protocol

from .models.model import Model
from .models.prediction import Prediction
from .models.schema import Schema
from .requests.columns import Array, Columns


class PredictionLog(Protocol):
    """Where answered requests are kept before the caller has the answer."""

    def append(
        self,
        deployment: str,
        model: Model,
        request_id: str | list[str],
        columns: Columns,
        prediction: Prediction,
        time_ns: int,
        *,
        shadow: bool = False,
        sampling_rate: float = 0.0,
    ) -> None:
        """Keep one answered request; time_ns is nanoseconds since 1970. What can't be kept is counted.

        request_id: or those of several requests of a row each. shadow: no caller has the prediction.
        sampling_rate: the share of requests that is kept; 0 for all.

        Raises Unavailable only where the log was told to refuse what it can't keep: the caller must not be answered.
        """


class WhenFull(Enum):
    """What happens to predictions once the log holds as much as it may."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"
    REFUSE = "refuse"


class LoggedRequest(NamedTuple):
    """One answered request, or some of its rows from first_row on; place is its place among those read with it."""

    place: int | str
    request_id: str
    time_ns: int
    rows: int
    first_row: int = 0


@dataclass(frozen=True, eq=False)
class Origin:
    """Who answered: a deployment, with one model version, in one way.

    shadow: no caller had the predictions. sampling_rate: the share of requests that was kept; 0 for all. One origin
    stands for all batches of it and equals itself alone, so that what is worked out for it can be looked up quickly.
    """

    deployment: str
    model_version: str
    schema: Schema
    shadow: bool = False
    sampling_rate: float = 0.0


@dataclass(frozen=True)
class PredictionBatch:
    """Requests of one origin; columns and predictions of all rows in order.

    columns: the values of each input, float64 [n] (NaN missing) or texts. labels: empty for regression.
    outputs: probabilities float64 [n, classes], or values [n, 1].
    """

    origin: Origin
    requests: tuple[LoggedRequest, ...]
    columns: tuple[Sequence[Any], ...]
    labels: Sequence[str]
    outputs: Array

    @property
    def rows(self) -> int:
        """Return the number of rows of all requests."""
        return len(self.outputs)

    def halves(self) -> tuple[PredictionBatch, PredictionBatch]:
        """Return the batch as two: of its requests, or of the rows of its only one. It must have two rows at least."""
        parts = self.requests
        if len(parts) == 1:
            (only,) = parts
            middle = only.rows // 2
            rest = only._replace(rows=only.rows - middle, first_row=only.first_row + middle)
            parts = (only._replace(rows=middle), rest)
        middle = len(parts) // 2
        end = sum(request.rows for request in parts[:middle])
        return self._between(parts[:middle], 0, end), self._between(parts[middle:], end, self.rows)

    def _between(self, requests: tuple[LoggedRequest, ...], start: int, end: int) -> PredictionBatch:
        return replace(
            self,
            requests=requests,
            columns=tuple(column[start:end] for column in self.columns),
            labels=self.labels[start:end],
            outputs=self.outputs[start:end],
        )
