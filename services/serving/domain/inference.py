"""The one core behind every door: find the model, read the request, predict, keep it, answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fairlead.kit.errors import Code, FairleadError, InvalidArgument

from .admission import Admission, AdmissionLimits
from .insights.explanation import Explanation
from .insights.interval import Interval
from .models.model import Model, ModelSource
from .models.prediction import Prediction
from .models.schema import Schema
from .prediction_log import PredictionLog
from .requests.columns import Columns
from .requests.options import PLAIN, PredictionOptions
from .statistics import StatisticsBook
from .traffic.catalog import Catalog
from .traffic.shadows import ShadowRequest, Shadows

QUICK_ROWS = 64
"""A quick model answers more rows in a turn, as a slow one answers any."""

Reader = Callable[[Schema], tuple[Columns, int]]
"""Reads a request's columns, and how many rows they have, as a schema asks for."""


class Observer(Protocol):
    """What is told of every request."""

    def began(self, door: str) -> None:
        """Count a request that has come; answered or refused follows."""

    def answered(self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int) -> None:
        """Count an answered request; durations in nanoseconds."""

    def refused(self, deployment: str, door: str, code: str) -> None:
        """Count a request that ended with an error; code is the canonical name."""


@dataclass(frozen=True)
class Clock:
    """Time, identity and chance (a number from 0 up to 1), given by the edge."""

    monotonic_ns: Callable[[], int]
    wall_ns: Callable[[], int]
    new_id: Callable[[], str]
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class Answer:
    """A prediction, the model that made it, the id that feedback joins it by, and what was asked for beside it."""

    request_id: str
    model: Model
    prediction: Prediction
    explanation: Explanation | None = None
    interval: Interval | None = None


_Made = tuple[Prediction, Explanation | None, Interval | None, int]
"""What a model made, and how many nanoseconds that took."""


class Inference:
    """Answers predictions for all doors."""

    def __init__(
        self,
        catalog: Catalog,
        log: PredictionLog,
        book: StatisticsBook,
        observer: Observer,
        clock: Clock,
        shadows: Shadows | None = None,
        admission: Admission | None = None,
    ) -> None:
        """Without shadows, those of splits predict nothing; without admission its limits are the usual ones."""
        self.catalog = catalog
        self.book = book
        self._cache = catalog.cache
        self._log = log
        self._observer = observer
        self._clock = clock
        self._shadows = shadows
        self._admission = admission or Admission(AdmissionLimits(), lambda: clock.monotonic_ns() * 1e-9)

    def answer(
        self,
        deployment: str,
        read: Reader,
        *,
        door: str,
        request_id: str = "",
        version: str = "",
        timeout: float = 60.0,
        options: PredictionOptions = PLAIN,
        at_once: bool = False,
    ) -> Answer:
        """Return the prediction of one request, which is kept in the prediction log by then, unless that is sampled.

        An empty request id is made up; an empty version means whichever the traffic split gives. Waits up to timeout
        seconds for a model that is still loading and for its turn, which a request that takes long needs; at_once
        computes without: the caller's thread must not wait, and the caller has seen that the request is small. Raises
        NotFound, InvalidArgument, Unavailable, the error of the model's loading, FailedPrecondition for options that
        the model has nothing for, ResourceExhausted or DeadlineExceeded where the turn can't come in time.
        """
        clock = self._clock
        started = clock.monotonic_ns()
        self._observer.began(door)
        try:
            route = self.catalog.routes.get(deployment) or self.catalog.route(deployment)
            arm = route.sole
            if arm is None or version:
                arm = route.arm(version) if version else route.pick(options.routing_key, clock.chance)
            model = self._cache.peek(arm.version) or self._loaded(deployment, arm.source, timeout)
            columns, rows = read(model.schema)
            if rows == 0:
                raise InvalidArgument("no rows were sent; send at least one")
            if at_once or (rows <= QUICK_ROWS and model.is_quick and not options.explain):
                prediction, explanation, interval, compute_ns = _made(model, columns, rows, options, clock)
            else:
                patience = timeout - (clock.monotonic_ns() - started) * 1e-9
                with self._admission.turn(deployment, patience):
                    prediction, explanation, interval, compute_ns = _made(model, columns, rows, options, clock)
            request_id = request_id or clock.new_id()
            now = clock.wall_ns()
            rate = route.sampling_rate
            if not rate or clock.chance() < rate:
                self._log.append(deployment, model, request_id, columns, prediction, now, sampling_rate=rate)
                if route.shadows and self._shadows is not None:
                    self._shadows.offer(ShadowRequest(route, columns, rows, request_id, now))
        except Exception as error:
            code = error.code if isinstance(error, FairleadError) else Code.INTERNAL
            self._observer.refused(deployment, door, code.value)
            if code is not Code.NOT_FOUND:
                self.book.failed(deployment, clock.monotonic_ns() - started)
            raise
        total_ns = clock.monotonic_ns() - started
        self.book.succeeded(deployment, rows, total_ns, compute_ns, now // 1_000_000, model.number)
        self._observer.answered(deployment, door, rows, total_ns, compute_ns)
        return Answer(request_id, model, prediction, explanation, interval)

    def model(self, deployment: str, version: str = "", timeout: float = 60.0) -> Model:
        """Return the model of a version, or the champion's. Raises NotFound, also for a version of no target."""
        route = self.catalog.route(deployment)
        arm = route.arm(version) if version else route.champion
        return self._cache.peek(arm.version) or self._loaded(deployment, arm.source, timeout)

    def _loaded(self, deployment: str, source: ModelSource, timeout: float) -> Model:
        with self._admission.loading(deployment):
            return self._cache.get(source, timeout)


def _made(model: Model, columns: Columns, rows: int, options: PredictionOptions, clock: Clock) -> _Made:
    started = clock.monotonic_ns()
    prediction = model.predict(columns, rows)
    explanation = model.explain(columns, rows) if options.explain else None
    interval = model.interval(prediction, options.interval) if options.interval else None
    return prediction, explanation, interval, clock.monotonic_ns() - started
