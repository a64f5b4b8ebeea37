"""Reading events of a topic in order, in bounded pages."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from ..cloud_events import Envelope, event_at
from ..port import Event

# A page ends at this many payload bytes, so that a reader's memory is bounded whatever the events' size.
PAGE_BYTES = 32 * 1024 * 1024

_COLUMNS = "event_offset, key, id, type, source, time_us, trace, payload"
_OF_TOPIC = f"""
    SELECT {_COLUMNS} FROM events
    WHERE topic_id = ? AND event_offset > ? AND event_offset <= ? AND time_us >= ? ORDER BY event_offset LIMIT ?
"""
_OF_KEY = f"""
    SELECT {_COLUMNS} FROM events INDEXED BY events_by_key
    WHERE topic_id = ? AND key = ? AND event_offset > ? AND event_offset <= ? AND time_us >= ?
    ORDER BY event_offset LIMIT ?
"""
# All events of a topic have one order, so it is one partition.
PARTITION = 0


def read_page(
    connection: sqlite3.Connection,
    topic: str,
    topic_id: int,
    *,
    after: int,
    until: int,
    limit: int,
    key: str | None = None,
    since_us: int = 0,
) -> list[Event]:
    """Return up to `limit` events with after < offset <= until, at least one where there is one.

    `since_us` leaves out what is older, in microseconds since 1970.
    """
    if key is None:
        rows = connection.execute(_OF_TOPIC, (topic_id, after, until, since_us, limit))
    else:
        rows = connection.execute(_OF_KEY, (topic_id, key, after, until, since_us, limit))
    events: list[Event] = []
    taken = 0
    for row in rows:
        event = _event(topic, row)
        events.append(event)
        taken += len(event.payload)
        if taken >= PAGE_BYTES:
            break
    rows.close()
    return events


def _event(topic: str, row: tuple[Any, ...]) -> Event:
    offset, key, event_id, kind, source, time_us, extensions, payload = row
    told = json.loads(extensions) if extensions else {}
    # A row that another tool wrote may have no id.
    event_id = event_id or f"{topic}/{PARTITION}/{offset}"
    return event_at(Envelope(key, event_id, kind, source, time_us, told, payload), topic, PARTITION, offset)
