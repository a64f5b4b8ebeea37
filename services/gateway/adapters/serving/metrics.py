"""Prometheus metrics of the relay to serving."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ...domain.placement import Placement

LABELLED = 50
"""How many endpoints have a label of their own; the calls of all others are told together."""
OTHER = "other"

CALLS_PER_MESSAGE = Histogram(
    "fairlead_gateway_relay_message_calls",
    "Predictions that went to serving in one message.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
STREAMS_LOST = Counter(
    "fairlead_gateway_relay_streams_lost_total", "Streams to serving's processes that ended before the gateway did."
)
CALLS_LOST = Counter(
    "fairlead_gateway_relay_calls_lost_total", "Predictions whose process was lost; each is sent once more, elsewhere."
)


class CallsUnderWay(Collector):
    """Tells, when it is asked, how many calls each endpoint has."""

    def __init__(self, registry: CollectorRegistry = REGISTRY, labelled: int = LABELLED) -> None:
        """Tell this registry; at most so many endpoints have a label of their own."""
        self._labelled = labelled
        self._placement: Placement | None = None
        registry.register(self)

    def watch(self, placement: Placement) -> None:
        """Tell of this placement's endpoints from now on."""
        self._placement = placement

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering asks for nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the calls under way at each endpoint, those beyond the labelled ones as one."""
        family = GaugeMetricFamily(
            "fairlead_gateway_relay_calls_under_way", "Predictions that serving has yet to answer.", labels=["endpoint"]
        )
        if self._placement is not None:
            endpoints = self._placement.endpoints
            for endpoint in endpoints[: self._labelled]:
                family.add_metric([endpoint], self._placement.under_way(endpoint))
            if others := endpoints[self._labelled :]:
                family.add_metric([OTHER], sum(map(self._placement.under_way, others)))
        yield family


CALLS_UNDER_WAY = CallsUnderWay()
