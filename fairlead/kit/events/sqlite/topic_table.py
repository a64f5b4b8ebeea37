"""Rows of the topics table."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class TopicBounds:
    """What a topic holds: offsets `first_offset`..`end_offset`, taking `stored_bytes`."""

    topic_id: int
    first_offset: int = 1
    end_offset: int = 0
    stored_bytes: int = 0


def find_topic(connection: sqlite3.Connection, name: str) -> TopicBounds | None:
    """Return the topic's bounds; None where nobody published or subscribed yet."""
    row = connection.execute(
        "SELECT topic_id, first_offset, end_offset, stored_bytes FROM topics WHERE name = ?", (name,)
    ).fetchone()
    return TopicBounds(*row) if row else None


def ensure_topic(connection: sqlite3.Connection, name: str) -> TopicBounds:
    """Return the topic's bounds, made where absent; runs in a writing transaction."""
    found = find_topic(connection, name)
    if found is None:
        topic_id = connection.execute("INSERT INTO topics (name) VALUES (?)", (name,)).lastrowid
        assert topic_id is not None
        found = TopicBounds(topic_id)
    return found
