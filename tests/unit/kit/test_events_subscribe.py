"""Leases and topics of the embedded event log; tests/integration/event_log has what all logs promise to groups."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, Event, EventLog, Subscription, open_event_log, topics


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="test")
    yield log
    log.close()


def publish(log: EventLog, *actions: str, topic: str = topics.AUDIT) -> None:
    log.publish_many(topic, [Draft(action[0], AuditEntry(action=action)) for action in actions])


def actions(events: list[Event]) -> list[str]:
    return [event.unpack(AuditEntry).action for event in events]


def drain(subscription: Subscription) -> list[str]:
    got: list[str] = []
    while events := subscription.poll(timeout=0.0):
        got += actions(events)
    return got


def test_a_second_member_waits_until_the_first_leaves(log: EventLog) -> None:
    publish(log, "a1", "a2")
    first, second = log.subscribe([topics.AUDIT], "group"), log.subscribe([topics.AUDIT], "group")
    assert actions(first.poll(max_events=1)) == ["a1"]
    first.commit()
    assert second.poll(timeout=0.2) == []
    first.close()
    assert drain(second) == ["a2"]


def test_a_working_member_keeps_its_lease_without_polling(log: EventLog) -> None:
    publish(log, "a1", "a2")
    first, second = log.subscribe([topics.AUDIT], "group"), log.subscribe([topics.AUDIT], "group")
    assert actions(first.poll(max_events=1)) == ["a1"]
    assert second.poll(timeout=7.0) == [], "the first one's lease of five seconds was renewed while it worked"
    first.commit()
    assert drain(first) == ["a2"]


def test_several_topics_come_through_one_subscription_in_turn(log: EventLog) -> None:
    publish(log, *(f"a{n}" for n in range(6)))
    publish(log, *(f"l{n}" for n in range(6)), topic=topics.ALERTS)
    with log.subscribe([topics.AUDIT, topics.ALERTS], "group") as subscription:
        first, second = subscription.poll(max_events=3), subscription.poll(max_events=3)
        assert {event.topic for event in first} != {event.topic for event in second}
        rest = drain(subscription)
    assert sorted(actions(first) + actions(second) + rest) == sorted(
        [f"a{n}" for n in range(6)] + [f"l{n}" for n in range(6)]
    )


def test_a_topic_nobody_has_published_on_can_be_subscribed(log: EventLog) -> None:
    with log.subscribe(["later"], "group") as subscription:
        assert subscription.poll(timeout=0.0) == []
        publish(log, "a1", topic="later")
        assert actions(subscription.poll()) == ["a1"]


def test_a_commit_after_the_lease_went_to_another_has_no_effect(log: EventLog, tmp_path: Path) -> None:
    publish(log, "a1")
    subscription = log.subscribe([topics.AUDIT], "group")
    subscription.poll()
    rows = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
    rows.execute("UPDATE consumer_groups SET owner = 'another', lease_expires = ?", (time.time() + 1.0,))
    subscription.commit()
    assert rows.execute("SELECT committed_offset FROM consumer_groups").fetchone() == (0,)
    assert subscription.poll(timeout=0.0) == []
    assert actions(subscription.poll(timeout=60)) == ["a1"], "delivered again once the other's lease ran out"
    rows.close()


def test_a_lease_from_the_future_counts_as_expired(log: EventLog, tmp_path: Path) -> None:
    publish(log, "a1")
    log.subscribe([topics.AUDIT], "group").poll()
    with sqlite3.connect(tmp_path / "events.db") as rows:
        rows.execute("UPDATE consumer_groups SET owner = 'another', lease_expires = ?", (time.time() + 3600.0,))
    with log.subscribe([topics.AUDIT], "group") as subscription:
        assert actions(subscription.poll(timeout=0.0)) == ["a1"]


def test_large_events_come_in_bounded_polls(log: EventLog) -> None:
    payload = "x" * (12 * 1024 * 1024)
    for _ in range(4):
        publish(log, payload)
    with log.subscribe([topics.AUDIT], "group") as subscription:
        assert [len(subscription.poll()), len(subscription.poll())] == [3, 1]
