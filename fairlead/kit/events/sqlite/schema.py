"""The tables of the embedded event log.

Offsets are counted per topic and given out inside the writing transaction; SQLite has one writer at a time, so a later
offset never becomes visible before an earlier one, and a topic has no gaps (but the trimmed head).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from fairlead.kit.errors import FailedPrecondition

VERSION = 1

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS topics (
        topic_id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        first_offset INTEGER NOT NULL DEFAULT 1,  -- of the oldest event kept (end_offset + 1: none)
        end_offset INTEGER NOT NULL DEFAULT 0,    -- of the newest event ever published
        stored_bytes INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS events (
        topic_id INTEGER NOT NULL REFERENCES topics (topic_id),
        event_offset INTEGER NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        type TEXT NOT NULL,
        source TEXT NOT NULL,
        time_us INTEGER NOT NULL,                 -- microseconds since 1970 UTC
        trace TEXT NOT NULL,                      -- trace context and other extensions as JSON, "" without
        payload BLOB NOT NULL,
        PRIMARY KEY (topic_id, event_offset)
    )
    """,
    "CREATE INDEX IF NOT EXISTS events_by_key ON events (topic_id, key, event_offset)",
    """
    CREATE TABLE IF NOT EXISTS consumer_groups (
        group_name TEXT NOT NULL,
        topic_id INTEGER NOT NULL REFERENCES topics (topic_id),
        committed_offset INTEGER NOT NULL,
        owner TEXT,                               -- the member that holds the lease
        lease_expires REAL NOT NULL DEFAULT 0,    -- seconds since 1970 UTC
        PRIMARY KEY (group_name, topic_id)
    ) WITHOUT ROWID
    """,
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make what the event log lacks, as make_tables does."""
    make_tables(connection, "event log", VERSION, _TABLES)


def make_tables(connection: sqlite3.Connection, what: str, version: int, tables: Sequence[str]) -> None:
    """Make what a file lacks, inside the caller's transaction; raises FailedPrecondition on a newer file."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > version:
        raise FailedPrecondition(
            f"The {what} has version {found} and this Fairlead reads up to {version}; run the newer Fairlead."
        )
    if found == version:
        return
    for table in tables:
        connection.execute(table)
    connection.execute(f"PRAGMA user_version = {version}")
