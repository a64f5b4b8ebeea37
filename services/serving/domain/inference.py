"""The one core behind every door: find the model, read the request, predict, keep it, answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fairlead.kit.errors import Code, FairleadError, InvalidArgument

from .catalog import Catalog
from .columns import Columns
from .explanation import Explanation
from .interval import Interval
from .model import Model
from .options import PLAIN, PredictionOptions
from .prediction import Prediction
from .prediction_log import PredictionLog
from .schema import Schema
from .shadows import ShadowRequest, Shadows
from .statistics import StatisticsBook

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
    ) -> None:
        """Without shadows, those of splits predict nothing."""
        self.catalog = catalog
        self.book = book
        self._cache = catalog.cache
        self._log = log
        self._observer = observer
        self._clock = clock
        self._shadows = shadows

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
    ) -> Answer:
        """Return the prediction of one request, which is kept in the prediction log by then, unless that is sampled.

        An empty request id is made up; an empty version means whichever the traffic split gives. Waits up to timeout
        seconds for a model that is still loading. Raises NotFound, InvalidArgument, Unavailable, the error of the
        model's loading, or FailedPrecondition for options that the model has nothing for.
        """
        clock = self._clock
        started = clock.monotonic_ns()
        self._observer.began(door)
        try:
            route = self.catalog.routes.get(deployment) or self.catalog.route(deployment)
            arm = route.sole
            if arm is None or version:
                arm = route.arm(version) if version else route.pick(options.routing_key, clock.chance)
            model = self._cache.peek(arm.version) or self._cache.get(arm.source, timeout)
            columns, rows = read(model.schema)
            if rows == 0:
                raise InvalidArgument("no rows were sent; send at least one")
            computing = clock.monotonic_ns()
            prediction = model.predict(columns, rows)
            explanation = model.explain(columns, rows) if options.explain else None
            interval = model.interval(prediction, options.interval) if options.interval else None
            compute_ns = clock.monotonic_ns() - computing
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
        return self._cache.peek(arm.version) or self._cache.get(arm.source, timeout)
