"""How far each topic is in the tables, by key: what lets an event that comes again change nothing.

Offsets are kept by key, since that is what the event log orders by, whatever partitions it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from fairlead.kit.events import Event

from .tables import CONSUMED


def fresh(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """Return the events that are not in the tables yet, and store that they are from now on."""
    new: list[Event] = []
    offsets: dict[tuple[str, str], int] = {}
    for event in events:
        key = event.topic, event.key
        if key not in offsets:
            offsets[key] = _offset(connection, *key)
        if event.offset > offsets[key]:
            offsets[key] = event.offset
            new.append(event)
    for topic, name in {(event.topic, event.key) for event in new}:
        connection.execute(delete(CONSUMED).where(CONSUMED.c.topic == topic, CONSUMED.c.key == name))
        connection.execute(insert(CONSUMED).values(topic=topic, key=name, offset=offsets[topic, name]))
    return new


def forget_beyond(connection: Connection, topic: str, end: int) -> int:
    """Forget offsets that lie beyond the topic's end, as after the log was replaced by a new one; return how many."""
    return connection.execute(delete(CONSUMED).where(CONSUMED.c.topic == topic, CONSUMED.c.offset > end)).rowcount


def _offset(connection: Connection, topic: str, key: str) -> int:
    query = select(CONSUMED.c.offset).where(CONSUMED.c.topic == topic, CONSUMED.c.key == key)
    return connection.scalar(query) or 0
