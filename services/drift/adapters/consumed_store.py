"""The events that are in the tables, by id: what lets an event that comes again change nothing.

Ids, since an event may come again under another offset or partition: its publisher repeated it, or the log was moved.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from fairlead.kit.events import Event

from .tables import CONSUMED

# Ids of each topic that are remembered; far more than any consumer leaves uncommitted.
KEPT = 200_000
# Ids looked for in one query.
_AT_ONCE = 500


def fresh(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """Return the events that are not in the tables yet, each once, in order."""
    once: dict[tuple[str, str], Event] = {}
    for event in events:
        once.setdefault((event.topic, event.id), event)
    seen: set[tuple[str, str]] = set()
    for topic in {event.topic for event in events}:
        ids = [event_id for of, event_id in once if of == topic]
        for start in range(0, len(ids), _AT_ONCE):
            query = select(CONSUMED.c.event_id).where(
                CONSUMED.c.topic == topic, CONSUMED.c.event_id.in_(ids[start : start + _AT_ONCE])
            )
            seen.update((topic, event_id) for event_id in connection.scalars(query))
    return [event for key, event in once.items() if key not in seen]


def remember(connection: Connection, events: Sequence[Event]) -> None:
    """Store that these fresh events are in the tables from now on."""
    if events:
        connection.execute(insert(CONSUMED), [{"topic": event.topic, "event_id": event.id} for event in events])


def trim(connection: Connection, topic: str, kept: int = KEPT) -> int:
    """Forget all but the newest ids of a topic; return how many went."""
    of_topic = CONSUMED.c.topic == topic
    newest = select(CONSUMED.c.sequence).where(of_topic).order_by(CONSUMED.c.sequence.desc())
    oldest_kept = newest.offset(kept - 1).limit(1).scalar_subquery()
    return connection.execute(delete(CONSUMED).where(of_topic, CONSUMED.c.sequence < oldest_kept)).rowcount
