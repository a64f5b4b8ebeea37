"""What the embedded event log keeps, and what a slow group is told."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Draft, EventLog, Retention, open_event_log, topics
from fairlead.kit.events.cloud_events import microseconds_of, seal
from fairlead.kit.events.sqlite import SqliteEventLog

KIB = "x" * 1024


def open_small(folder: Path, max_bytes: int = 100_000) -> EventLog:
    return open_event_log(f"sqlite:///{folder}/events.db", source="test", max_bytes=max_bytes)


def publish(log: EventLog, count: int, text: str = KIB) -> None:
    for _ in range(count):
        log.publish(topics.LOGS, "k", AuditEntry(action=text))


def test_a_topic_stays_below_its_size_and_keeps_the_newest(tmp_path: Path) -> None:
    log = open_small(tmp_path)
    publish(log, 500)
    kept = list(log.replay(topics.LOGS))
    assert 90_000 < sum(len(event.payload) + 300 for event in kept) <= 100_000
    assert [event.offset for event in kept] == list(range(501 - len(kept), 501))
    assert log.end_position(topics.LOGS, "k").offset == 500
    log.close()


def test_the_file_stays_bounded(tmp_path: Path) -> None:
    log = open_small(tmp_path)
    for _ in range(40):
        log.publish_many(topics.LOGS, [Draft("k", AuditEntry(action=KIB)) for _ in range(100)])
    log.close()
    assert (tmp_path / "events.db").stat().st_size < 1_000_000, "4 MB went through a topic of 0.1 MB"


def test_other_topics_keep_theirs(tmp_path: Path) -> None:
    log = open_small(tmp_path)
    log.publish(topics.AUDIT, "k", AuditEntry(action="kept"))
    publish(log, 300)
    assert len(list(log.replay(topics.AUDIT))) == 1
    log.close()


def test_a_single_event_larger_than_the_limit_stays(tmp_path: Path) -> None:
    log = open_small(tmp_path, max_bytes=1000)
    publish(log, 3, text=KIB * 10)
    assert [event.offset for event in log.replay(topics.LOGS)] == [3]
    log.close()


def test_old_events_go_with_a_later_publish(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    first = open_event_log(url, source="test")
    publish(first, 10)
    first.close()
    time.sleep(0.3)
    log = open_event_log(url, source="test", max_age=timedelta(milliseconds=200))
    publish(log, 1)
    assert [event.offset for event in log.replay(topics.LOGS)] == [11]
    log.close()


@pytest.mark.parametrize(
    ("topic", "days_kept"), [(topics.ALERTS, 364), (topics.dead_letter(topics.ALERTS), 29), (topics.LOGS, 6), ("o", 6)]
)
def test_each_topic_keeps_its_events_as_long_as_it_declares(tmp_path: Path, topic: str, days_kept: int) -> None:
    now = datetime.now(UTC)
    ages = {"kept": timedelta(days=days_kept), "too-old": timedelta(days=days_kept + 2)}
    envelopes = [
        replace(seal(Draft("k", AuditEntry(action=name)), "test", {}), time_us=microseconds_of(now - age))
        for name, age in sorted(ages.items(), reverse=True)
    ]
    log = SqliteEventLog(str(tmp_path / "events.db"), source="test", retention=Retention())
    log.append(topic, envelopes)
    log.publish(topic, "k", AuditEntry(action="new"))
    assert [event.unpack(AuditEntry).action for event in log.replay(topic)] == ["kept", "new"]
    log.close()


def test_an_age_that_is_given_holds_for_every_topic() -> None:
    retention = Retention(max_age=timedelta(hours=1))
    assert {retention.age_of(topic) for topic in (*topics.ALL, "other")} == {timedelta(hours=1)}


def test_a_slow_group_is_told_how_much_it_lost(tmp_path: Path) -> None:
    log = open_small(tmp_path)
    with log.subscribe([topics.LOGS], "slow") as slow:
        publish(log, 5)
        assert len(slow.poll()) == 5
        slow.commit()
        publish(log, 200)
        with capture_logs() as lines:
            events = slow.poll(max_events=1000)
    first_kept = events[0].offset
    assert first_kept > 6
    (line,) = lines
    assert (line["log_level"], line["group"], line["count"]) == ("warning", "slow", first_kept - 6)
    log.close()


def test_a_new_group_is_not_told_of_what_went_before_it(tmp_path: Path) -> None:
    log = open_small(tmp_path)
    publish(log, 200)
    with capture_logs() as lines, log.subscribe([topics.LOGS], "new") as subscription:
        assert subscription.poll(max_events=1000)
    assert lines == []
    log.close()


def test_retention_needs_positive_limits() -> None:
    with pytest.raises(InvalidArgument):
        Retention(max_bytes=0)
    with pytest.raises(InvalidArgument):
        Retention(max_age=timedelta(0))
