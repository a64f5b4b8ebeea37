"""What tests do with events: publish numbered ones, and read until they have all."""

from __future__ import annotations

import time
from collections.abc import Iterable

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, Event, EventLog, Subscription

PATIENCE_SECONDS = 120.0
# As long as a member that holds nothing is asked whether something comes all the same.
SILENCE_SECONDS = 1.0


def entry(action: str) -> AuditEntry:
    return AuditEntry(action=action)


def publish(log: EventLog, topic: str, *actions: str) -> None:
    """Publish events whose key is the first letter of what they say."""
    log.publish_many(topic, [Draft(action[0], entry(action)) for action in actions])


def spread(log: EventLog, topic: str, numbers: Iterable[int], keys: int = 20) -> None:
    """Publish numbers under many keys, so that each partition gets some."""
    log.publish_many(topic, [Draft(f"key-{number % keys}", entry(str(number))) for number in numbers])


def said(events: Iterable[Event]) -> list[str]:
    return [event.unpack(AuditEntry).action for event in events]


def numbers(events: Iterable[Event]) -> list[int]:
    return [int(action) for action in said(events)]


def take(subscription: Subscription, count: int, *, max_events: int = 500) -> list[Event]:
    """Return events as they are polled, once there are so many; fails where they do not come."""
    events: list[Event] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(events) < count:
        assert time.monotonic() < deadline, f"{len(events)} of {count} events came"
        events += subscription.poll(max_events=max_events, timeout=1.0)
    return events


def rest(subscription: Subscription) -> list[Event]:
    """Return what still comes, until nothing did for a while."""
    events: list[Event] = []
    while more := subscription.poll(timeout=SILENCE_SECONDS):
        events += more
    return events


def by_key(events: Iterable[Event]) -> dict[str, list[int]]:
    """Return the numbers of each key in the order in which they came."""
    found: dict[str, list[int]] = {}
    for event in events:
        found.setdefault(event.key, []).append(int(event.unpack(AuditEntry).action))
    return found


def place(event: Event) -> tuple[int, int]:
    return event.partition, event.offset
