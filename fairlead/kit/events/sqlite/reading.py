"""Reading events of a topic in order, in bounded pages."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from ..cloud_events import Envelope, headers_of, time_of
from ..port import Event

# A page ends at this many payload bytes, so that a reader's memory is bounded whatever the events' size.
PAGE_BYTES = 32 * 1024 * 1024

_COLUMNS = "event_offset, key, id, type, source, time_us, trace, payload"
_OF_TOPIC = f"""
    SELECT {_COLUMNS} FROM events
    WHERE topic_id = ? AND event_offset > ? AND event_offset <= ? ORDER BY event_offset LIMIT ?
"""
_OF_KEY = f"""
    SELECT {_COLUMNS} FROM events INDEXED BY events_by_key
    WHERE topic_id = ? AND key = ? AND event_offset > ? AND event_offset <= ? ORDER BY event_offset LIMIT ?
"""


def read_page(
    connection: sqlite3.Connection, topic: str, topic_id: int, *, after: int, until: int, limit: int, key: str | None
) -> list[Event]:
    """Return up to `limit` events with after < offset <= until, at least one where there is one."""
    if key is None:
        rows = connection.execute(_OF_TOPIC, (topic_id, after, until, limit))
    else:
        rows = connection.execute(_OF_KEY, (topic_id, key, after, until, limit))
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
    offset, key, event_id, kind, source, time_us, trace, payload = row
    envelope = Envelope(key, event_id, kind, source, time_us, json.loads(trace) if trace else {}, payload)
    return Event(
        topic=topic,
        key=key,
        offset=offset,
        id=event_id,
        type=kind,
        source=source,
        time=time_of(time_us),
        headers=headers_of(envelope),
        payload=payload,
    )
