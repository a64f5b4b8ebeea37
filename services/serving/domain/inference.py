"""The one core behind every door: find the model, read the request, predict, keep it, answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fairlead.kit.errors import Code, FairleadError, InvalidArgument

from .admission import Admission, AdmissionLimits
from .insights.explanation import Explanation
from .insights.interval import Interval
from .models.model import Model, ModelSource
from .models.prediction import Prediction
from .models.schema import Schema
from .prediction_log import PredictionLog
from .requests.columns import Columns
from .requests.identifiers import check_identifier, is_identifier
from .requests.options import PLAIN, PredictionOptions
from .requests.plain_row import PlainRow, columns_of_plain_rows
from .statistics import StatisticsBook
from .traffic.catalog import Catalog
from .traffic.route import Arm, Route
from .traffic.shadows import ShadowRequest, Shadows

QUICK_ROWS = 64
"""A quick model answers more rows in a turn, as a slow one answers any."""

Reader = Callable[[Schema], tuple[Columns, int]]
"""Reads a request's columns, and how many rows they have, as a schema asks for."""


class TakesLong(Exception):
    """The request takes longer than whoever asked for an answer at once can spare; nothing was done for it yet."""


class Observer(Protocol):
    """What is told of every request."""

    def began(self, door: str) -> None:
        """Count a request that has come; answered or refused follows."""

    def answered(
        self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int, requests: int = 1
    ) -> None:
        """Count an answered request, or several of so many rows each, computed together; durations in nanoseconds."""

    def put_off(self, door: str) -> None:
        """Take back that a request has come: it will come again."""

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


class AskedRow(NamedTuple):
    """A request for the prediction of one row and nothing else; an empty id is made up."""

    row: PlainRow
    request_id: str = ""
    routing_key: str = ""


class AnsweredRows(NamedTuple):
    """Rows that one model answered together: their places among those asked, their ids, and what it made of them."""

    places: Sequence[int]
    request_ids: list[str]
    model: Model
    prediction: Prediction


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
        seconds for a model that is still loading and for its turn, which a request that takes long needs; with at_once
        TakesLong is raised instead, and for a deployment that is not known here: the caller's thread must not wait.
        Raises NotFound, InvalidArgument (for an id that is too long, too), Unavailable, the error of the model's
        loading, FailedPrecondition for options that the model has nothing for, ResourceExhausted or DeadlineExceeded
        where the turn can't come in time.
        """
        clock = self._clock
        started = clock.monotonic_ns()
        self._observer.began(door)
        try:
            route, arm = self._arm(deployment, version, options.routing_key, at_once)
            check_identifier(request_id, "id")
            model = self._cache.peek(arm.version) or self._loaded(deployment, arm.source, timeout)
            columns, rows = read(model.schema)
            if rows == 0:
                raise InvalidArgument("no rows were sent; send at least one")
            if rows <= QUICK_ROWS and model.is_quick and not options.explain:
                prediction, explanation, interval, compute_ns = _made(model, columns, rows, options, clock)
            elif at_once:
                raise TakesLong
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
        except TakesLong:
            self._observer.put_off(door)
            raise
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

    def _arm(self, deployment: str, version: str, routing_key: str, at_once: bool) -> tuple[Route, Arm]:
        """Return who answers for a deployment, and by which version."""
        route = self.catalog.routes.get(deployment)
        if at_once and (route is None or not self._answers_quickly(route, version)):
            raise TakesLong
        route = route or self.catalog.route(deployment)
        if version:
            return route, route.arm(version)
        return route, route.sole or route.pick(routing_key, self._clock.chance)

    def answer_rows(self, deployment: str, asked: Sequence[AskedRow], *, door: str) -> list[AnsweredRows]:
        """Return the answers of several requests that are here at the same time, computed and kept together.

        Of those whose place is in none of them nothing is kept or counted, and they are to be asked one by one: the
        model is not loaded, or not quick, a row is not sent just as it reads it, shadows want to know each, or it
        failed.
        """
        route = self.catalog.routes.get(deployment)
        # Before any draw of an arm: who is asked again by itself draws again.
        if route is None or route.shadows or not self._answers_quickly(route):
            return []
        answered = []
        for arm, places in _by_arm(route, asked, self._clock.chance):
            model = self._cache.peek(arm.version)
            if model is not None:
                found = self._rows_together(route, model, [asked[place] for place in places], door)
                if found is not None:
                    answered.append(AnsweredRows(places, found[0], model, found[1]))
        return answered

    def _answers_quickly(self, route: Route, version: str = "") -> bool:
        """Return whether whichever version may be asked is in memory, and quick. Raises NotFound."""
        arms = (route.arm(version),) if version else route.arms
        models = [self._cache.find(arm.version) for arm in arms]
        return all(model is not None and model.is_quick for model in models)

    def _rows_together(
        self, route: Route, model: Model, asked: Sequence[AskedRow], door: str
    ) -> tuple[list[str], Prediction] | None:
        clock, count, deployment = self._clock, len(asked), route.deployment.name
        started = clock.monotonic_ns()
        columns = columns_of_plain_rows(model.schema, [each.row for each in asked])
        if columns is None or not all(is_identifier(each.request_id) for each in asked):
            return None
        try:
            prediction, _, _, compute_ns = _made(model, columns, count, PLAIN, clock)
            ids = [each.request_id or clock.new_id() for each in asked]
            now = clock.wall_ns()
            self._keep_rows(route, model, ids, columns, prediction, now)
        except Exception:  # noqa: BLE001  # asked one by one each fails, or does not, by itself
            return None
        total_ns = clock.monotonic_ns() - started
        for _ in asked:
            self._observer.began(door)
        durations = total_ns * count, compute_ns * count
        self.book.succeeded(deployment, count, *durations, now // 1_000_000, model.number, count)
        self._observer.answered(deployment, door, 1, total_ns, compute_ns, count)
        return ids, prediction

    def _keep_rows(
        self, route: Route, model: Model, ids: list[str], columns: Columns, prediction: Prediction, now: int
    ) -> None:
        deployment, rate = route.deployment.name, route.sampling_rate
        if not rate:
            self._log.append(deployment, model, ids, columns, prediction, now)
            return
        kept = [place for place in range(len(ids)) if self._clock.chance() < rate]
        if kept:
            names, values = [ids[place] for place in kept], tuple(column[kept] for column in columns)
            self._log.append(deployment, model, names, values, prediction.at(kept), now, sampling_rate=rate)

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


def _by_arm(route: Route, asked: Sequence[AskedRow], chance: Callable[[], float]) -> list[tuple[Arm, Sequence[int]]]:
    """Return who answers which of the requests, by their places."""
    if route.sole is not None:
        return [(route.sole, range(len(asked)))]
    places: dict[str, tuple[Arm, list[int]]] = {}
    for place, each in enumerate(asked):
        arm = route.pick(each.routing_key, chance)
        places.setdefault(arm.version, (arm, []))[1].append(place)
    return list(places.values())
