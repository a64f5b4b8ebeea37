"""Prometheus metrics of the models in memory."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from prometheus_client import REGISTRY, CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fairlead.kit.logging import get_logger

from ...domain.models.cache import CacheUsage, ModelCache
from .requests import LABELLED
from .top_names import TopNames

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
_COUNTERS = (
    ("loaded", "fairlead_model_loads", "Models loaded."),
    ("failed", "fairlead_model_load_failures", "Models that could not be loaded."),
    ("evicted", "fairlead_model_evictions", "Models unloaded to make room for others."),
)
LOG = get_logger("fairlead.serving.models")


class PrometheusCacheObserver(Collector):
    """Implements the domain's CacheObserver; versions beyond the ones that come and go most share a label."""

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, labelled: int = LABELLED) -> None:
        """Tell this registry; at most so many model versions have a label of their own."""
        self._names = TopNames(labelled)
        self._lock = Lock()
        self._counts: dict[str, dict[str, int]] = {kind: {} for kind, _, _ in _COUNTERS}
        self._cache: ModelCache | None = None
        self._seconds = Histogram(
            "fairlead_model_load_seconds", "Seconds to load a model.", buckets=BUCKETS, registry=registry
        )
        registry.register(self)

    def watch(self, cache: ModelCache) -> None:
        """Tell what this cache holds, too."""
        self._cache = cache

    def loaded(self, version: str, seconds: float, cost: int) -> None:  # noqa: ARG002
        """Count a model that was loaded."""
        self._seconds.observe(seconds)
        self._count("loaded", version)

    def load_failed(self, version: str, seconds: float) -> None:
        """Count a model that could not be loaded."""
        self._seconds.observe(seconds)
        self._count("failed", version)

    def evicted(self, version: str, cost: int) -> None:  # noqa: ARG002
        """Count a model that had to go."""
        self._count("evicted", version)

    def unmeasured(self, error: Exception) -> None:
        """Tell that the memory could not be looked at."""
        LOG.error("the memory of models could not be measured; it is tried again at the next loading", error=str(error))

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering counts nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted so far, and what is held now."""
        with self._lock:
            self._names.rank()
            for kind, name, documentation in _COUNTERS:
                family = CounterMetricFamily(name, documentation, labels=["model"])
                for label, count in sorted(self._counts[kind].items()):
                    family.add_metric([label], count)
                yield family
        if self._cache is not None:
            yield from _usage(self._cache.usage())

    def _count(self, kind: str, version: str) -> None:
        with self._lock:
            use = self._names.meet(version)
            use.uses += 1
            counts = self._counts[kind]
            counts[use.label] = counts.get(use.label, 0) + 1


def _usage(usage: CacheUsage) -> Iterator[Metric]:
    yield CounterMetricFamily("fairlead_model_cache_hits", "Lookups that found their model loaded.", usage.hits)
    gauges = (
        ("fairlead_models_loaded", "Models in memory.", usage.models),
        ("fairlead_models_bytes", "Bytes that the models in memory were measured to take.", usage.bytes),
        ("fairlead_models_loading", "Models being loaded, or waiting to be.", usage.loading),
        ("fairlead_models_waiting_requests", "Requests that wait for a model to be loaded.", usage.waiting),
    )
    for name, documentation, value in gauges:
        yield GaugeMetricFamily(name, documentation, value)
