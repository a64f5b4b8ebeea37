"""The tables of a spool."""

from __future__ import annotations

import sqlite3

from ..sqlite.schema import make_tables

VERSION = 2

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS waiting (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of publishing
        topic TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        type TEXT NOT NULL,
        source TEXT NOT NULL,
        time_us INTEGER NOT NULL,                    -- microseconds since 1970 UTC
        extensions TEXT NOT NULL,                    -- JSON
        payload BLOB NOT NULL,
        size INTEGER NOT NULL                        -- bytes that count against the spool's limit
    )
    """,
    "CREATE INDEX IF NOT EXISTS waiting_by_topic ON waiting (topic, sequence)",
    """
    CREATE TABLE IF NOT EXISTS topics (
        name TEXT PRIMARY KEY,
        events INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # Since version 2: what Kafka refused for good, the newest of it.
    """
    CREATE TABLE IF NOT EXISTS refused (
        sequence INTEGER PRIMARY KEY,                -- as it was among those that wait
        topic TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        type TEXT NOT NULL,
        source TEXT NOT NULL,
        time_us INTEGER NOT NULL,                    -- microseconds since 1970 UTC
        extensions TEXT NOT NULL,                    -- JSON
        payload BLOB NOT NULL,
        size INTEGER NOT NULL,
        reason TEXT NOT NULL
    )
    """,
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make what the spool lacks, inside the caller's transaction; raises FailedPrecondition on a newer file."""
    make_tables(connection, "spool", VERSION, _TABLES)
