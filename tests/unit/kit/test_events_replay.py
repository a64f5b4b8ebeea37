"""History of the embedded event log: replay and end_position."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, EventLog, Position, open_event_log, topics


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="test")
    yield log
    log.close()


def publish(log: EventLog, count: int) -> None:
    log.publish_many(topics.LOGS, [Draft(f"task{n % 3}", AuditEntry(action=str(n))) for n in range(count)])


def test_replay_gives_the_whole_history_in_order_page_by_page(log: EventLog) -> None:
    publish(log, 1234)
    assert [event.offset for event in log.replay(topics.LOGS)] == list(range(1, 1235))


def test_replay_goes_on_after_an_offset(log: EventLog) -> None:
    publish(log, 10)
    assert [event.offset for event in log.replay(topics.LOGS, after=7)] == [8, 9, 10]
    assert list(log.replay(topics.LOGS, after=10)) == []


def test_replay_of_a_key_gives_its_events_only(log: EventLog) -> None:
    publish(log, 1800)
    got = [event.unpack(AuditEntry).action for event in log.replay(topics.LOGS, key="task1")]
    assert got == [str(n) for n in range(1800) if n % 3 == 1]
    assert [event.offset for event in log.replay(topics.LOGS, key="task1", after=1795)] == [
        offset for offset in range(1796, 1801) if (offset - 1) % 3 == 1
    ]
    assert list(log.replay(topics.LOGS, key="unknown")) == []


def test_replay_ends_at_the_end_as_it_was_when_asked(log: EventLog) -> None:
    publish(log, 2)
    history = log.replay(topics.LOGS)
    publish(log, 2)
    assert [event.offset for event in history] == [1, 2]


def test_an_unknown_topic_is_empty(log: EventLog) -> None:
    assert list(log.replay("unknown")) == []
    assert log.end_position("unknown", "k") == Position(0, 0)


def test_the_end_position_is_that_of_the_newest_event(log: EventLog) -> None:
    publish(log, 5)
    assert log.end_position(topics.LOGS, "task1") == Position(0, 5)
