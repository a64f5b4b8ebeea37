"""The event log: `open_event_log(url, source=...)` and what it hands out."""

from __future__ import annotations

from datetime import timedelta

from fairlead.kit.errors import InvalidArgument

from . import topics
from .kafka.options import SCHEME as _KAFKA
from .kafka.options import KafkaOptions, cluster_of
from .port import Draft, Event, EventLog, Position, Subscription
from .retention import Retention
from .spool.limits import SpoolLimits
from .sqlite import SqliteEventLog

__all__ = [
    "Draft",
    "Event",
    "EventLog",
    "KafkaOptions",
    "Position",
    "Retention",
    "SpoolLimits",
    "Subscription",
    "open_event_log",
    "topics",
]

_SQLITE = "sqlite:///"
_PLAIN = KafkaOptions()


def open_event_log(
    url: str,
    *,
    source: str,
    max_bytes: int = Retention.max_bytes,
    max_age: timedelta | None = None,
    kafka: KafkaOptions = _PLAIN,
    spool: SpoolLimits | None = None,
) -> EventLog:
    """Return the event log at `url`: `sqlite:///relative/path` or `sqlite:////absolute/path`, made where absent, or
    `kafka://host:9092[,host:9092]`, which is not connected to before it is used.

    `source` (the service's name) is written into each event. In SQLite a topic keeps at most `max_bytes` and nothing
    older than `max_age` (None: what topics.SPECS declares, 7 days for other topics); in Kafka its own settings say so
    (`fairlead events setup`). With `spool`, events wait on local disk while Kafka is away. Raises InvalidArgument on
    another URL, FailedPrecondition where a file can't be opened.
    """
    if url.startswith(_KAFKA):
        return _open_kafka(url, source, kafka, spool)
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:":
        raise InvalidArgument(
            f"'{url}' is not the URL of an event log; write sqlite:///path/to/events.db or kafka://host:9092[,host:9092]."
        )
    return SqliteEventLog(path, source=source, retention=Retention(max_bytes=max_bytes, max_age=max_age))


def _open_kafka(url: str, source: str, options: KafkaOptions, spool: SpoolLimits | None) -> EventLog:
    cluster = cluster_of(url, options)
    # Here, so that an embedded Fairlead starts without Kafka's client.
    from .kafka.event_log import KafkaEventLog

    log = KafkaEventLog(cluster, source=source)
    if spool is None:
        return log
    from .spool.event_log import SpooledEventLog

    return SpooledEventLog(log, source=source, limits=spool)
