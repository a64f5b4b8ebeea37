"""What Prometheus sees of a service's spool."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SPOOLED = Counter("fairlead_events_spooled", "Events that were put on local disk because Kafka was away.", ["topic"])
SPOOL_BYTES = Gauge("fairlead_events_spool_bytes", "Bytes of events that wait on local disk for Kafka.")
SPOOL_EVENTS = Gauge("fairlead_events_spool_events", "Events that wait on local disk for Kafka.")
DROPPED = Counter(
    "fairlead_events_spool_dropped",
    "Events on local disk that were given up: the spool was full, or too many were refused by the brokers for good.",
    ["topic", "reason"],
)
REFUSED = Counter(
    "fairlead_events_spool_refused",
    "Events that the brokers refused for good after they had waited; the newest are kept in the spool file.",
    ["topic"],
)
TURNED_AWAY = Counter(
    "fairlead_events_spool_turned_away",
    "Events that were refused to their publishers because Kafka was away and the spool was full.",
    ["topic"],
)
