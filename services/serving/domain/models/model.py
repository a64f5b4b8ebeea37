"""A loaded model: a schema, and a runtime that computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fairlead.kit.errors import FailedPrecondition, FieldViolation, Internal, InvalidArgument

from ..insights.explanation import Explanation
from ..insights.insights import Insights
from ..insights.interval import Interval
from ..requests.columns import Array, Columns
from .prediction import Prediction
from .schema import Kind, Schema, TaskType

QUICK_SECONDS = 0.0005
"""A row this quick is answered where it arrives; a slower one goes to a thread of its own."""

EXPLAINED_ROWS = 1000
"""A row's explanation takes as long as hundreds of predictions (up to 40 ms), so one request may have so many."""

WAITS_SECONDS = 0.02
"""A row that takes so long every time is not quick, whatever its thread's own time says."""
TRIES = 3
"""The least of so many tries counts, for what is measured once holds as long as the model is in memory."""


@dataclass(frozen=True)
class ModelSource:
    """A model version by its resource name, and the blob folder of its package."""

    model_version: str
    package_blob: str


class Runtime(Protocol):
    """What computes predictions from columns."""

    def run(self, columns: Columns) -> Array:
        """Return probabilities [n, classes], or values [n] (or [n, 1]) for regression."""


class Model:
    """One model version, ready to predict. Safe to call from many threads."""

    def __init__(self, version: str, schema: Schema, runtime: Runtime, insights: Insights | None = None) -> None:
        """Keep the version's resource name, its schema, its runtime, and what it tells beside predictions."""
        self.version = version
        self.number = version.rpartition("/")[2]
        self.schema = schema
        self._runtime = runtime
        self._insights = insights
        self._seconds_a_row = 0.0
        self._regression = schema.task is TaskType.REGRESSION

    def predict(self, columns: Columns, rows: int) -> Prediction:
        """Return the predictions of columns as columns_of made them."""
        output = self._runtime.run(columns)
        if self._regression:
            return Prediction(rows, values=output.reshape(rows).astype(np.float64, copy=False))
        expected = (rows, len(self.schema.classes))
        if output.shape != expected:
            raise Internal(f"the model {self.version} answered shape {output.shape} instead of {expected}")
        probabilities = output.astype(np.float64, copy=False)
        classes = self.schema.classes
        labels = [classes[best] for best in probabilities.argmax(axis=1).tolist()]
        return Prediction(rows, labels=labels, probabilities=probabilities)

    def explain(self, columns: Columns, rows: int) -> Explanation:
        """Return how much each column moved each prediction; takes longer than the prediction itself.

        Raises InvalidArgument for more than EXPLAINED_ROWS rows, FailedPrecondition, saying why, where the model has no
        contributions to give, DeadlineExceeded where the caller's time is over meanwhile.
        """
        if rows > EXPLAINED_ROWS:
            raise InvalidArgument(
                f"explanations are computed for at most {EXPLAINED_ROWS} rows a request, and this one has {rows}; send "
                "fewer rows at a time, or ask for no explanations",
                violations=[FieldViolation("fairlead_explain", f"at most {EXPLAINED_ROWS} rows are possible")],
            )
        explanation = self._known_insights().explainer().explain(columns)
        if len(explanation.contributions) != rows:
            raise Internal(f"the model {self.version} explained {len(explanation.contributions)} rows of {rows}")
        return explanation

    def interval(self, prediction: Prediction, coverage: float) -> Interval:
        """Return the interval or set of labels of each prediction that holds the truth with that coverage.

        Raises InvalidArgument for a coverage outside 0 to 1, FailedPrecondition where the model is not calibrated for
        it.
        """
        return self._known_insights().calibration().interval(prediction, coverage)

    def _known_insights(self) -> Insights:
        if self._insights is None:
            raise FailedPrecondition(f"{self.version} tells nothing beside its predictions", resource=self.version)
        return self._insights

    def warm_up(self, clock: Callable[[], float], elapsed: Callable[[], float] | None = None) -> None:
        """Predict a row of missing values, so that the first caller does not pay for what the runtime does once.

        clock returns seconds; with it the model learns how quick it is. Where that is the thread's own time, it shows
        nothing of a model that waits or computes in threads of its own: elapsed time does, the least of a few tries.
        """
        columns = tuple(
            np.array([""], dtype=object) if column.kind is Kind.TEXT else np.array([np.nan])
            for column in self.schema.inputs
        )
        self.predict(columns, 1)
        self._seconds_a_row = self._least(columns, clock, QUICK_SECONDS)
        if elapsed is not None and self.is_quick:
            took = self._least(columns, elapsed, WAITS_SECONDS)
            if took >= WAITS_SECONDS:
                self._seconds_a_row = took

    def _least(self, columns: Columns, clock: Callable[[], float], enough: float) -> float:
        """Return the seconds of the quickest of a few tries; the first one that takes less than enough ends them."""
        least = math.inf
        for _ in range(TRIES):
            started = clock()
            self.predict(columns, 1)
            least = min(least, clock() - started)
            if least < enough:
                break
        return least

    @property
    def is_quick(self) -> bool:
        """Return whether a few rows take so little time that handing them to a thread would cost more."""
        return self._seconds_a_row < QUICK_SECONDS
