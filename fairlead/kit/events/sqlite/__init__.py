"""The event log on SQLite in WAL mode: durable, many threads and processes of one machine; see event_log.py."""

from __future__ import annotations

from .event_log import SqliteEventLog

__all__ = ["SqliteEventLog"]
