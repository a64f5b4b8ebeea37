"""What Prometheus sees of consumers, whichever event log they follow."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CONSUMED = Counter("fairlead_events_consumed", "Events that a group was given.", ["group", "topic"])
WAITING = Gauge(
    "fairlead_events_consumer_lag",
    "Events that waited for a group when it last asked; each process tells of the partitions that it holds.",
    ["group", "topic"],
)
ASKED = Gauge(
    "fairlead_events_consumer_asked_timestamp_seconds", "When a group last asked for events.", ["group", "topic"]
)


class ConsumerMetrics:
    """Tells of one member of a group, of one topic."""

    def __init__(self, group: str, topic: str) -> None:
        self._consumed = CONSUMED.labels(group, topic)
        self._waiting, self._asked = WAITING.labels(group, topic), ASKED.labels(group, topic)

    def asked(self) -> None:
        """Note that the member asks for events now."""
        self._asked.set_to_current_time()

    def waiting(self, events: int) -> None:
        """Note how many events wait for the member."""
        self._waiting.set(events)

    def given(self, events: int) -> None:
        """Note that the member was given events."""
        self._consumed.inc(events)
