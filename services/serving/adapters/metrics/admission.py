"""Prometheus metrics of what computes, waits and is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ...domain.admission import Admission


class AdmissionMetrics(Collector):
    """Tells what a gate knows when it is asked."""

    def __init__(
        self,
        admission: Admission,
        doors: Callable[[], Mapping[str, int]],
        queues: Mapping[str, Callable[[], int]],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """Tell this registry of the gate, of what doors refuse themselves by reason, and what waits for a thread."""
        self._admission = admission
        self._doors = doors
        self._queues = queues
        registry.register(self)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering counts nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what is under way now, and what was refused so far."""
        usage = self._admission.usage()
        gauges = (
            ("fairlead_admission_computing", "Requests that have a turn to compute.", usage.computing),
            ("fairlead_admission_waiting", "Requests that wait for their turn.", usage.waiting),
            ("fairlead_admission_loading", "Requests that wait for a model to load.", usage.loading),
        )
        for name, documentation, value in gauges:
            yield GaugeMetricFamily(name, documentation, value)
        refused = CounterMetricFamily("fairlead_admission_refused", "Requests refused, by reason.", labels=["reason"])
        for reason, count in usage.refused.items():
            refused.add_metric([reason.value], count)
        for door_reason, count in self._doors().items():
            refused.add_metric([door_reason], count)
        yield refused
        queued = GaugeMetricFamily("fairlead_queued_requests", "Requests that wait for a thread.", labels=["door"])
        for door, queue in self._queues.items():
            queued.add_metric([door], queue())
        yield queued
