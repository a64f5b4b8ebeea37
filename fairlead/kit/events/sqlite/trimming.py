"""Dropping the oldest events of a topic beyond its retention, a bounded slice at a time.

The file does not shrink: SQLite uses the freed pages for the next events.
"""

from __future__ import annotations

import sqlite3

from ..retention import Retention
from .publishing import stored_size
from .topic_table import TopicBounds, find_topic

SLICE_EVENTS = 5_000
SLICE_BYTES = 64 * 1024 * 1024

_OLDEST = """
    SELECT event_offset, time_us, key, length(payload) FROM events
    WHERE topic_id = ? AND event_offset < ? ORDER BY event_offset LIMIT ?
"""


def trim(connection: sqlite3.Connection, topic: str, retention: Retention, now_us: int) -> int:
    """Drop one slice of what is too old or too much; return how many events went. Runs in a writing transaction."""
    bounds = find_topic(connection, topic)
    if bounds is None:
        return 0
    oldest_kept_us = now_us - int(retention.age_of(topic).total_seconds() * 1_000_000)
    count, last, freed = _slice_to_drop(connection, bounds, retention.max_bytes, oldest_kept_us)
    if count:
        connection.execute("DELETE FROM events WHERE topic_id = ? AND event_offset <= ?", (bounds.topic_id, last))
        connection.execute(
            "UPDATE topics SET first_offset = ?, stored_bytes = ? WHERE topic_id = ?",
            (last + 1, max(0, bounds.stored_bytes - freed), bounds.topic_id),
        )
    return count


def _slice_to_drop(
    connection: sqlite3.Connection, bounds: TopicBounds, most_kept: int, oldest_kept_us: int
) -> tuple[int, int, int]:
    """Return (events, last offset, bytes) of the slice; the newest event is never in it."""
    if bounds.stored_bytes > most_kept:
        # Some room at once, so that a full topic is not trimmed at each publish.
        most_kept -= most_kept // 20
    count = last = freed = 0
    rows = connection.execute(_OLDEST, (bounds.topic_id, bounds.end_offset, SLICE_EVENTS))
    for offset, time_us, key, payload_bytes in rows:
        too_much = bounds.stored_bytes - freed > most_kept
        if freed >= SLICE_BYTES or not (too_much or time_us < oldest_kept_us):
            break
        count, last, freed = count + 1, offset, freed + stored_size(key, payload_bytes)
    rows.close()
    return count, last, freed
