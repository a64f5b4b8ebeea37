"""The queue of a spool: one SQLite file, in the order of publishing, durable when `put` returns."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.kit.errors import Unavailable

from ..cloud_events import Envelope
from ..sqlite.connections import Connections, enable_wal
from .limits import SpoolLimits
from .schema import create_tables

OVERHEAD_BYTES = 128
RETRY_SECONDS = 5.0
REFUSED_KEPT = 1_000
_COLUMNS = "sequence, topic, key, id, type, source, time_us, extensions, payload, size"
_SIZE = 9
# The window runs from the newest to the oldest; the newest one always stays.
_TRIM_REFUSED = """
    DELETE FROM refused WHERE sequence IN (
        SELECT sequence FROM (
            SELECT sequence, row_number() OVER newest AS place, sum(size) OVER newest AS total
            FROM refused WINDOW newest AS (ORDER BY sequence DESC)
        ) WHERE place > 1 AND (place > ? OR total > ?)
    )
"""


@dataclass(frozen=True)
class Spooled:
    """An event that waits, and its place in the queue."""

    sequence: int
    topic: str
    envelope: Envelope


class SpoolQueue:
    """For many threads and processes of one machine."""

    def __init__(self, limits: SpoolLimits) -> None:
        path = str(limits.path)
        enable_wal(path)
        self._limits = limits
        self._connections = Connections(path, synchronous="FULL")
        self._connections.write(create_tables)

    def waiting(self) -> dict[str, int]:
        """Return how many events of each topic wait; {} where none does."""
        with self._connections.connection() as connection:
            return dict(connection.execute("SELECT name, events FROM topics WHERE events > 0").fetchall())

    def size(self) -> tuple[int, int]:
        """Return (events, bytes) of all that waits."""
        with self._connections.connection() as connection:
            return _totals(connection)

    def put(self, topic: str, envelopes: Sequence[Envelope]) -> Mapping[str, int]:
        """Put events behind all others; return how many of each topic were dropped for them.

        Raises Unavailable where they find no room and none may be made.
        """
        sizes = [_size(envelope) for envelope in envelopes]

        def work(connection: sqlite3.Connection) -> Mapping[str, int]:
            dropped = self._make_room(connection, sum(sizes))
            connection.executemany(
                f"INSERT INTO waiting ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(topic, envelope, size) for envelope, size in zip(envelopes, sizes, strict=True)],
            )
            connection.execute(
                "INSERT INTO topics VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET events = events + excluded.events, bytes = bytes + excluded.bytes",
                (topic, len(envelopes), sum(sizes)),
            )
            return dropped

        return self._connections.write(work)

    def head(self, topic: str, max_events: int, max_bytes: int) -> list[Spooled]:
        """Return the oldest events of a topic, at least one where there is one."""
        found: list[Spooled] = []
        taken = 0
        with self._connections.connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM waiting WHERE topic = ? ORDER BY sequence LIMIT ?", (topic, max_events)
            )
            for row in rows:
                size = row[_SIZE]
                if found and taken + size > max_bytes:
                    break
                found.append(_spooled(row))
                taken += size
            rows.close()
        return found

    def remove(self, sequences: Collection[int]) -> None:
        """Take events out of the queue; what is gone already does no harm."""
        self._connections.write(lambda connection: _delete(connection, sequences))

    def set_aside(self, sequence: int, reason: str) -> int:
        """Move an event from those that wait to those that Kafka refused; return how many older ones went for it.

        The newest REFUSED_KEPT are kept, of at most as many bytes as may wait.
        """

        def work(connection: sqlite3.Connection) -> int:
            connection.execute(
                f"INSERT OR IGNORE INTO refused ({_COLUMNS}, reason) "
                f"SELECT {_COLUMNS}, ? FROM waiting WHERE sequence = ?",
                (reason, sequence),
            )
            _delete(connection, [sequence])
            return connection.execute(_TRIM_REFUSED, (REFUSED_KEPT, self._limits.max_bytes)).rowcount

        return self._connections.write(work)

    def refused(self) -> list[tuple[Spooled, str]]:
        """Return the events that Kafka refused and are kept, oldest first, with the reason of each."""
        with self._connections.connection() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS}, reason FROM refused ORDER BY sequence").fetchall()
        return [(_spooled(row), row[-1]) for row in rows]

    def close(self) -> None:
        """Close the file; what waits stays there."""
        self._connections.close()

    def _make_room(self, connection: sqlite3.Connection, needed: int) -> Mapping[str, int]:
        _, held = _totals(connection)
        excess = held + needed - self._limits.max_bytes
        if excess <= 0:
            return {}
        if self._limits.when_full == "refuse" or needed > self._limits.max_bytes:
            raise Unavailable(
                f"Kafka is away and the {self._limits.max_bytes:,} bytes for events that wait in {self._limits.path} "
                "are used up; bring Kafka back, or raise FAIRLEAD_EVENTS_SPOOL_MB.",
                retry_after=RETRY_SECONDS,
            )
        oldest: list[int] = []
        rows = connection.execute("SELECT sequence, size FROM waiting ORDER BY sequence")
        for sequence, size in rows:
            if excess <= 0:
                break
            oldest.append(sequence)
            excess -= size
        rows.close()
        return _delete(connection, oldest)


def _totals(connection: sqlite3.Connection) -> tuple[int, int]:
    events, size = connection.execute("SELECT coalesce(sum(events), 0), coalesce(sum(bytes), 0) FROM topics").fetchone()
    return int(events), int(size)


def _delete(connection: sqlite3.Connection, sequences: Collection[int]) -> Mapping[str, int]:
    """Delete events in the caller's transaction; return how many of each topic there were."""
    events: Counter[str] = Counter()
    freed: Counter[str] = Counter()
    for sequence in sequences:
        for topic, size in connection.execute(
            "DELETE FROM waiting WHERE sequence = ? RETURNING topic, size", (sequence,)
        ).fetchall():
            events[topic] += 1
            freed[topic] += size
    for topic, count in events.items():
        connection.execute(
            "UPDATE topics SET events = events - ?, bytes = bytes - ? WHERE name = ?", (count, freed[topic], topic)
        )
    return events


def _spooled(row: Sequence[Any]) -> Spooled:
    sequence, topic, key, event_id, kind, source, time_us, extensions, payload = row[:_SIZE]
    return Spooled(sequence, topic, Envelope(key, event_id, kind, source, time_us, json.loads(extensions), payload))


def _row(topic: str, envelope: Envelope, size: int) -> tuple[str | int | bytes, ...]:
    extensions = json.dumps(dict(envelope.extensions))
    return (
        topic,
        envelope.key,
        envelope.id,
        envelope.type,
        envelope.source,
        envelope.time_us,
        extensions,
        envelope.payload,
        size,
    )


def _size(envelope: Envelope) -> int:
    texts = (envelope.key, envelope.id, envelope.type, envelope.source, *envelope.extensions.values())
    return len(envelope.payload) + OVERHEAD_BYTES + sum(len(text.encode()) for text in texts)
