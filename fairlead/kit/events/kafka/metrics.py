"""What Prometheus sees of Kafka's consumers."""

from __future__ import annotations

from prometheus_client import Counter

CONSUMER_RECREATED = Counter(
    "fairlead_events_consumer_recreated", "Consumers that had stopped moving and were made anew.", ["group"]
)
