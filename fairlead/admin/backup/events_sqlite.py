"""The embedded event log, as backups see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from fairlead.admin.backup.events import Ends
from fairlead.admin.backup.manifest import GroupPosition
from fairlead.kit.events import Event, Retention
from fairlead.kit.events.cloud_events import Envelope
from fairlead.kit.events.sqlite import SqliteEventLog

PARTITION = 0
_EVERYTHING = Retention(max_bytes=2**62, max_age=timedelta(days=36_500))
_POSITIONS = """
    SELECT group_name, name, committed_offset FROM consumer_groups JOIN topics USING (topic_id)
    ORDER BY group_name, name
"""
_BOUNDS = "SELECT first_offset, end_offset FROM topics WHERE name = ?"
# Whoever subscribes makes the rows of topic and group.
_BEGIN = """
    INSERT INTO topics (name, first_offset, end_offset) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET end_offset = excluded.end_offset, first_offset =
        CASE WHEN first_offset > topics.end_offset THEN excluded.first_offset ELSE first_offset END
"""
_SET = """
    INSERT INTO consumer_groups (group_name, topic_id, committed_offset)
    SELECT ?, topic_id, ? FROM topics WHERE name = ?
    ON CONFLICT (group_name, topic_id) DO UPDATE SET committed_offset = excluded.committed_offset
"""


class SqliteEvents:
    """Implements EventStore on the file of an event log."""

    kind = "sqlite"
    cluster = ""

    def __init__(self, path: Path) -> None:
        """Open the file, made where it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Nothing is dropped while it is copied out or in; the services do that.
        self._log = SqliteEventLog(str(path), source="backup", retention=_EVERYTHING)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)

    def groups(self) -> tuple[GroupPosition, ...]:
        """Return how far each consumer group is."""
        rows = self._connection.execute(_POSITIONS)
        return tuple(GroupPosition(group, topic, PARTITION, offset) for group, topic, offset in rows)

    def topics(self) -> dict[str, str]:
        """Return the topics; none has an id."""
        return {name: "" for (name,) in self._connection.execute("SELECT name FROM topics")}

    def look_again(self) -> None:
        """Do nothing: each question is asked of the file."""

    def ends(self, topic: str) -> Ends:
        """Return the newest offset of the only partition."""
        return {PARTITION: self._bounds(topic)[1]}

    def events(self, topic: str) -> Iterator[Event]:
        """Return what a topic keeps."""
        return self._log.replay(topic)

    def kept(self, topic: str) -> int:
        """Return how many events a topic keeps."""
        first, end = self._bounds(topic)
        return end - first + 1

    def begin(self, topic: str, first: int) -> None:
        """Make a topic, or take the one there is; its next event gets the offset `first`."""
        self._connection.execute(_BEGIN, (topic, first, first - 1))

    def append(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Publish events as they are."""
        self._log.append(topic, envelopes)

    def set_groups(self, positions: Sequence[GroupPosition]) -> None:
        """Put the consumer groups at these positions."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_SET, [(p.group, p.offset, p.topic) for p in positions])
        self._connection.execute("COMMIT")

    def busy_groups(self) -> tuple[str, ...]:
        """Return none: the lock of the home tells whether anybody consumes."""
        return ()

    def clear(self, topic: str) -> None:
        """Remove a topic with its events and positions."""
        self._connection.execute("BEGIN IMMEDIATE")
        for table in ("events", "consumer_groups", "topics"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE topic_id IN (SELECT topic_id FROM topics WHERE name = ?)", (topic,)
            )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._log.close()

    def _bounds(self, topic: str) -> tuple[int, int]:
        row = self._connection.execute(_BOUNDS, (topic,)).fetchone()
        return (1, 0) if row is None else (int(row[0]), int(row[1]))
