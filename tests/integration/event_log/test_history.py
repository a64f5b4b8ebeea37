"""Reading what is kept, beside all groups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fairlead.kit.events import EventLog

from .reading import by_key, numbers, publish, said, spread
from .stores import Store


def test_replay_gives_all_that_is_kept(log: EventLog, topic: str) -> None:
    spread(log, topic, range(1234))
    assert by_key(log.replay(topic)) == {f"key-{key}": list(range(key, 1234, 20)) for key in range(20)}


def test_replay_of_a_key_gives_its_events_only(log: EventLog, topic: str) -> None:
    spread(log, topic, range(1800), keys=90)
    assert numbers(log.replay(topic, key="key-7")) == list(range(7, 1800, 90))
    assert list(log.replay(topic, key="unknown")) == []


def test_replay_of_a_key_goes_on_after_an_offset(log: EventLog, topic: str) -> None:
    spread(log, topic, range(200))
    history = list(log.replay(topic, key="key-3"))
    assert list(log.replay(topic, key="key-3", after=history[4].offset)) == history[5:]
    assert list(log.replay(topic, key="key-3", after=history[-1].offset)) == []
    assert list(log.replay(topic, key="key-3", after=log.end_position(topic, "key-3").offset)) == []


def test_replay_since_a_time_gives_all_from_then_on(log: EventLog, topic: str) -> None:
    spread(log, topic, range(100), keys=2)
    middle = datetime.now(UTC)
    spread(log, topic, range(100, 200), keys=2)
    assert numbers(log.replay(topic, key="key-1", since=middle))[-50:] == list(range(101, 200, 2))
    assert numbers(log.replay(topic, key="key-1", since=middle - timedelta(days=1))) == list(range(1, 200, 2))
    assert list(log.replay(topic, key="key-1", since=datetime.now(UTC) + timedelta(days=1), after=10**9)) == []
    later = [event for event in log.replay(topic, key="key-1") if event.time >= middle]
    assert list(log.replay(topic, key="key-1", since=middle, after=later[9].offset)) == later[10:]


def test_replay_ends_at_the_end_as_it_was_when_asked(log: EventLog, topic: str) -> None:
    publish(log, topic, "a1", "a2")
    history = log.replay(topic)
    publish(log, topic, "a3", "a4")
    assert said(history) == ["a1", "a2"]


def test_replay_sees_what_another_log_published(store: Store, topic: str) -> None:
    publish(store.open(), topic, "a1")
    assert said(store.open().replay(topic, key="a")) == ["a1"]


def test_the_end_of_a_keys_partition(log: EventLog, topic: str) -> None:
    before = log.end_position(topic, "key-5")
    assert before.offset == 0
    spread(log, topic, range(200))
    end = log.end_position(topic, "key-5")
    in_partition = [event for event in log.replay(topic) if event.partition == end.partition]
    assert end.partition == before.partition
    assert end.offset == in_partition[-1].offset
    assert {event.partition for event in in_partition if event.key == "key-5"} == {end.partition}
