"""The one core behind every door: find the model, read the request, predict, keep it, answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fairlead.kit.errors import Code, FairleadError, InvalidArgument, NotFound

from .catalog import Catalog
from .columns import Columns
from .model import Model
from .prediction import Prediction
from .prediction_log import PredictionLog
from .schema import Schema
from .statistics import StatisticsBook

Reader = Callable[[Schema], tuple[Columns, int]]
"""Reads a request's columns, and how many rows they have, as a schema asks for."""


class Observer(Protocol):
    """What is told of every request."""

    def answered(self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int) -> None:
        """Count an answered request; durations in nanoseconds."""

    def refused(self, deployment: str, door: str, code: str) -> None:
        """Count a request that ended with an error; code is the canonical name."""


@dataclass(frozen=True)
class Clock:
    """Time and identity, given by the edge."""

    monotonic_ns: Callable[[], int]
    wall_ns: Callable[[], int]
    new_id: Callable[[], str]


@dataclass(frozen=True)
class Answer:
    """A prediction, the model that made it, and the id that feedback joins it by."""

    request_id: str
    model: Model
    prediction: Prediction


class Inference:
    """Answers predictions for all doors."""

    def __init__(
        self, catalog: Catalog, log: PredictionLog, book: StatisticsBook, observer: Observer, clock: Clock
    ) -> None:
        self.catalog = catalog
        self.book = book
        self._log = log
        self._observer = observer
        self._clock = clock

    def answer(
        self,
        deployment: str,
        read: Reader,
        *,
        door: str,
        request_id: str = "",
        version: str = "",
        timeout: float = 60.0,
    ) -> Answer:
        """Return the prediction of one request, which is kept in the prediction log by then.

        An empty request id is made up; an empty version means whichever is deployed. Waits up to timeout seconds for a
        model that is still loading. Raises NotFound, InvalidArgument, Unavailable, or the error of the model's loading.
        """
        clock = self._clock
        started = clock.monotonic_ns()
        try:
            model = self.model(deployment, version, timeout)
            columns, rows = read(model.schema)
            if rows == 0:
                raise InvalidArgument("no rows were sent; send at least one")
            computing = clock.monotonic_ns()
            prediction = model.predict(columns, rows)
            compute_ns = clock.monotonic_ns() - computing
            request_id = request_id or clock.new_id()
            now = clock.wall_ns()
            self._log.append(deployment, model, request_id, columns, prediction, now)
        except Exception as error:
            code = error.code if isinstance(error, FairleadError) else Code.INTERNAL
            self._observer.refused(deployment, door, code.value)
            if code is not Code.NOT_FOUND:
                self.book.failed(deployment, clock.monotonic_ns() - started)
            raise
        total_ns = clock.monotonic_ns() - started
        self.book.succeeded(deployment, rows, total_ns, compute_ns, now // 1_000_000)
        self._observer.answered(deployment, door, rows, total_ns, compute_ns)
        return Answer(request_id, model, prediction)

    def model(self, deployment: str, version: str = "", timeout: float = 60.0) -> Model:
        """Return the deployment's model. Raises NotFound, also where another version is deployed."""
        model = self.catalog.peek(deployment) or self.catalog.get(deployment, timeout)
        if version and version != model.number:
            raise NotFound(f"'{deployment}' serves version {model.number}, not {version}", resource=deployment)
        return model
