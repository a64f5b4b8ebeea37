"""How far a group is behind shows to Prometheus, whoever of it consumes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, open_event_log

TOPIC = "fairlead.audit"


def value(name: str, group: str) -> float:
    found = REGISTRY.get_sample_value(name, {"group": group, "topic": TOPIC})
    assert found is not None
    return found


def test_the_lag_counts_what_waits_and_falls_as_it_is_taken(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    group = request.node.name
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="test")
    log.publish_many(TOPIC, [Draft("key", AuditEntry(action="x")) for _ in range(5)])
    began = time.time()
    with log.subscribe([TOPIC], group) as subscription:
        assert len(subscription.poll(max_events=3)) == 3
        assert value("fairlead_events_consumer_lag", group) == 5
        assert len(subscription.poll(max_events=3)) == 2
        assert value("fairlead_events_consumer_lag", group) == 2
        assert subscription.poll(timeout=0.0) == []

        assert value("fairlead_events_consumer_lag", group) == 0
        assert value("fairlead_events_consumed_total", group) == 5
        assert value("fairlead_events_consumer_asked_timestamp_seconds", group) >= began
    log.close()
