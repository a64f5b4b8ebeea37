"""What the relay tells of itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from services.gateway.adapters.serving.metrics import CallsUnderWay
from services.gateway.domain.placement import Placement


def test_calls_under_way_are_told_by_endpoint_and_beyond_so_many_as_one() -> None:
    registry = CollectorRegistry()
    told = CallsUnderWay(registry, labelled=2)
    placement = Placement(["a:1", "b:1", "c:1", "d:1"])
    for endpoint in ("a:1", "c:1", "d:1", "d:1"):
        placement.begin(endpoint)
    told.watch(placement)

    gauge = "fairlead_gateway_relay_calls_under_way"
    found = [registry.get_sample_value(gauge, {"endpoint": name}) for name in ("a:1", "b:1", "c:1", "other")]
    assert found == [1, 0, None, 3]
