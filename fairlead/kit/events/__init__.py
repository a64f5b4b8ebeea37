"""The event log: `open_event_log(url, source=...)` and what it hands out."""

from __future__ import annotations

from datetime import timedelta

from fairlead.kit.errors import InvalidArgument

from . import topics
from .port import Draft, Event, EventLog, Position, Subscription
from .retention import Retention
from .sqlite import SqliteEventLog

__all__ = ["Draft", "Event", "EventLog", "Position", "Retention", "Subscription", "open_event_log", "topics"]

_SQLITE = "sqlite:///"


def open_event_log(
    url: str,
    *,
    source: str,
    max_bytes: int = Retention.max_bytes,
    max_age: timedelta = Retention.max_age,
) -> EventLog:
    """Return the event log at `url`: `sqlite:///relative/path` or `sqlite:////absolute/path`, made where absent.

    `source` (the service's name) is written into each event. A topic keeps at most `max_bytes` and nothing older than
    `max_age`. Raises InvalidArgument on another URL, FailedPrecondition where the file can't be opened.
    """
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:":
        raise InvalidArgument(f"'{url}' is not the URL of an event log; write sqlite:///path/to/events.db.")
    return SqliteEventLog(path, source=source, retention=Retention(max_bytes=max_bytes, max_age=max_age))
