"""Appending events to a topic."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from ..cloud_events import Envelope
from .topic_table import TopicBounds, ensure_topic

# What an event takes beside its key and payload: the other columns and two index entries.
ROW_OVERHEAD_BYTES = 300

_INSERT = """
    INSERT INTO events (topic_id, event_offset, key, id, type, source, time_us, trace, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADVANCE = "UPDATE topics SET end_offset = ?, stored_bytes = ? WHERE topic_id = ?"


def append(connection: sqlite3.Connection, topic: str, envelopes: Sequence[Envelope]) -> TopicBounds:
    """Append the events in order and return the topic's new bounds; runs in a writing transaction."""
    bounds = ensure_topic(connection, topic)
    connection.executemany(
        _INSERT,
        (
            (bounds.topic_id, offset, e.key, e.id, e.type, e.source, e.time_us, _extensions_text(e), e.payload)
            for offset, e in enumerate(envelopes, start=bounds.end_offset + 1)
        ),
    )
    added = sum(stored_size(e.key, len(e.payload)) for e in envelopes)
    advanced = TopicBounds(
        bounds.topic_id, bounds.first_offset, bounds.end_offset + len(envelopes), bounds.stored_bytes + added
    )
    connection.execute(_ADVANCE, (advanced.end_offset, advanced.stored_bytes, advanced.topic_id))
    return advanced


def stored_size(key: str, payload_bytes: int) -> int:
    """Return what an event counts against the retention, in bytes."""
    return ROW_OVERHEAD_BYTES + len(key) + payload_bytes


def _extensions_text(envelope: Envelope) -> str:
    return json.dumps(dict(envelope.extensions)) if envelope.extensions else ""
