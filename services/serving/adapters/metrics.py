"""Prometheus metrics of predictions; labels are bounded by the number of deployments and doors."""

from __future__ import annotations

from threading import Lock

from prometheus_client import Counter, Histogram

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

PREDICTIONS = Counter("fairlead_predictions_total", "Rows predicted.", ["deployment", "door"])
REQUESTS = Counter("fairlead_prediction_requests_total", "Prediction requests by outcome.", ["door", "code"])
SECONDS = Histogram(
    "fairlead_prediction_seconds",
    "Seconds from a decoded request to its prediction, logging included.",
    ["deployment", "door"],
    buckets=BUCKETS,
)
COMPUTE_SECONDS = Histogram(
    "fairlead_prediction_compute_seconds",
    "Seconds inside the model's runtime.",
    ["deployment", "door"],
    buckets=BUCKETS,
)


class _Series:
    """The series of one deployment and door, looked up once."""

    def __init__(self, deployment: str, door: str) -> None:
        self.rows = PREDICTIONS.labels(deployment, door)
        self.requests = REQUESTS.labels(door, "OK")
        self.seconds = SECONDS.labels(deployment, door)
        self.compute = COMPUTE_SECONDS.labels(deployment, door)


class PrometheusObserver:
    """Implements the domain's Observer."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], _Series] = {}
        self._lock = Lock()

    def answered(self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int) -> None:
        """Count an answered request; durations in nanoseconds."""
        series = self._series.get((deployment, door)) or self._begin(deployment, door)
        series.rows.inc(rows)
        series.requests.inc()
        series.seconds.observe(total_ns * 1e-9)
        series.compute.observe(compute_ns * 1e-9)

    def refused(self, deployment: str, door: str, code: str) -> None:  # noqa: ARG002
        """Count a refused request; not by deployment, whose name may be anything then."""
        REQUESTS.labels(door, code).inc()

    def forget(self, deployment: str) -> None:
        """End the series of a deployment that is gone."""
        with self._lock:
            for key in [key for key in self._series if key[0] == deployment]:
                del self._series[key]
                for metric in (PREDICTIONS, SECONDS, COMPUTE_SECONDS):
                    metric.remove(*key)

    def _begin(self, deployment: str, door: str) -> _Series:
        with self._lock:
            return self._series.setdefault((deployment, door), _Series(deployment, door))
