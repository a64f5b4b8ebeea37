"""Prometheus metrics of predictions.

A request is counted in plain numbers under one short lock, and made into Prometheus' families when they are asked for:
prometheus_client's own counters cost several times as much a request. Deployments beyond the most used ones share a
label, so that there are never more series than doors and labels make.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from fairlead.kit.errors import Code

from .top_names import OTHER, NameUse, TopNames

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
ROW_BUCKETS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
LABELLED = 100
"""Deployments with a label of their own."""
_BUCKETS_NS = tuple(round(bucket * 1e9) for bucket in BUCKETS)
_SECONDS = 1e-9


class _Distribution:
    """Counts by bucket, and the sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[int]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0

    def add(self, value: int, times: int = 1) -> None:
        self.counts[bisect_left(self._bounds, value)] += times
        self.total += value * times


class _Series:
    """What is counted of one label and door; all of it under its lock."""

    __slots__ = ("batches", "compute", "lock", "refused", "rows", "seconds")

    def __init__(self) -> None:
        self.lock = Lock()
        self.rows = _Distribution(ROW_BUCKETS)
        self.batches = _Distribution(ROW_BUCKETS)
        self.seconds = _Distribution(_BUCKETS_NS)
        self.compute = _Distribution(_BUCKETS_NS)
        self.refused: dict[str, int] = {}


class _Door:
    """What is counted of one door, and where the series of its deployments are found."""

    __slots__ = ("began", "ended", "found")

    def __init__(self) -> None:
        # Advanced by next(), which is one step for all threads without a lock; reading one is a step, too.
        self.began, self.ended = itertools.count(), itertools.count()
        self.found: dict[str, tuple[_Series, NameUse]] = {}

    def in_flight(self) -> int:
        # What ended first, so that a request between the two counts as under way.
        ended = next(self.ended)
        return max(0, next(self.began) - ended)


class PrometheusObserver(Collector):
    """Implements the domain's Observer."""

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        labelled: int = LABELLED,
        is_known: Callable[[str], bool] = lambda name: True,  # noqa: ARG005
    ) -> None:
        """Tell this registry; at most so many deployments have a label of their own.

        Names that are no deployments' (any more), of which callers can make up as many as they like, count as others.
        """
        self._is_known = is_known
        self._names = TopNames(labelled)
        self._lock = Lock()
        self._doors: dict[str, _Door] = {}
        self._series: dict[tuple[str, str], _Series] = {}
        registry.register(self)

    def began(self, door: str) -> None:
        """Count a request that has come; answered or refused follows."""
        next(self._door(door).began)

    def put_off(self, door: str) -> None:
        """Take back that a request has come: it will come again."""
        next(self._door(door).ended)

    def answered(
        self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int, requests: int = 1
    ) -> None:
        """Count an answered request, or several of so many rows each, computed together; durations in nanoseconds."""
        through = self._door(door)
        for _ in range(requests):
            next(through.ended)
        found = through.found.get(deployment)
        series, use = found if found is not None else self._find(deployment, door)
        use.uses += requests
        with series.lock:
            series.rows.add(rows, requests)
            series.batches.add(rows * requests)
            series.seconds.add(total_ns, requests)
            series.compute.add(compute_ns)

    def refused(self, deployment: str, door: str, code: str) -> None:
        """Count a refused request; those for a deployment that is not there, whose name may be anything, as others."""
        through = self._door(door)
        next(through.ended)
        found = through.found.get(deployment)
        if found is not None:
            series, _ = found
        elif code == Code.NOT_FOUND.value:
            series = self._other(door)
        else:
            series, _ = self._find(deployment, door)
        with series.lock:
            series.refused[code] = series.refused.get(code, 0) + 1

    def forget(self, deployment: str) -> None:
        """End the series of a deployment that is gone."""
        with self._lock:
            self._names.forget(deployment)
            self._find_again(deployment)
            for door in self._doors:
                self._series.pop((deployment, door), None)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering counts nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted so far; labels that are left go to the deployments used most of late."""
        with self._lock:
            for name in self._names.rank():
                self._find_again(name)
            series = sorted(self._series.items())
            in_flight = {door: through.in_flight() for door, through in sorted(self._doors.items())}
        yield from _families(series)
        gauge = GaugeMetricFamily("fairlead_predictions_in_flight", "Requests being answered.", labels=["door"])
        for door, count in in_flight.items():
            gauge.add_metric([door], count)
        yield gauge

    def _door(self, door: str) -> _Door:
        return self._doors.get(door) or self._doors.setdefault(door, _Door())

    def _find(self, deployment: str, door: str) -> tuple[_Series, NameUse]:
        if not self._is_known(deployment):
            return self._other(door), NameUse(OTHER)
        # All at once, so that no series is found that has just ended, or is another since a ranking.
        with self._lock:
            use = self._names.meet(deployment)
            found = self._series_of(use.label, door), use
            self._door(door).found[deployment] = found
        return found

    def _other(self, door: str) -> _Series:
        with self._lock:
            return self._series_of(OTHER, door)

    def _series_of(self, label: str, door: str) -> _Series:
        return self._series.setdefault((label, door), _Series())

    def _find_again(self, deployment: str) -> None:
        """Let the deployment's next request find the series it has now; the lock is held."""
        for through in self._doors.values():
            through.found.pop(deployment, None)


def _families(all_series: list[tuple[tuple[str, str], _Series]]) -> Iterator[Metric]:
    labels = ["deployment", "door"]
    rows = CounterMetricFamily("fairlead_predictions", "Rows predicted.", labels=labels)
    requests = CounterMetricFamily(
        "fairlead_prediction_requests", "Prediction requests by outcome.", labels=[*labels, "code"]
    )
    sizes = HistogramMetricFamily("fairlead_prediction_request_rows", "Rows of a request.", labels=labels)
    batches = HistogramMetricFamily(
        "fairlead_prediction_batch_rows", "Rows computed at once, of one request or of several.", labels=labels
    )
    seconds = HistogramMetricFamily(
        "fairlead_prediction_seconds",
        "Seconds from a decoded request to its prediction, logging included.",
        labels=labels,
    )
    compute = HistogramMetricFamily(
        "fairlead_prediction_compute_seconds", "Seconds inside the model's runtime.", labels=labels
    )
    for key, series in all_series:
        with series.lock:
            answered = sum(series.rows.counts)
            outcomes = {"OK": answered, **series.refused} if answered else dict(series.refused)
            rows.add_metric(key, series.rows.total)
            _add(sizes, key, series.rows, ROW_BUCKETS, 1)
            _add(batches, key, series.batches, ROW_BUCKETS, 1)
            _add(seconds, key, series.seconds, BUCKETS, _SECONDS)
            _add(compute, key, series.compute, BUCKETS, _SECONDS)
        for code, count in outcomes.items():
            requests.add_metric([*key, code], count)
    yield from (rows, requests, sizes, batches, seconds, compute)


def _add(
    family: HistogramMetricFamily, key: Sequence[str], found: _Distribution, bounds: Sequence[float], unit: float
) -> None:
    reached = itertools.accumulate(found.counts)
    names = [*(str(float(bound)) for bound in bounds), "+Inf"]
    family.add_metric(key, list(zip(names, reached, strict=True)), found.total * unit)
