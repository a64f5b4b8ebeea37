"""A spool that is used up while no broker answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from prometheus_client import REGISTRY

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.errors import InvalidArgument, Unavailable
from fairlead.kit.events import EventLog, SpoolLimits, open_event_log
from fairlead.kit.events.kafka.sizes import MAX_RECORD_BYTES
from tests.ports import free_port
from tests.waiting import until

Open = Callable[[Literal["refuse", "drop_oldest"]], EventLog]


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Open]:
    """Opens a log on a broker that is not there, with a spool of 10 kB."""
    opened: list[EventLog] = []

    def open_log(when_full: Literal["refuse", "drop_oldest"]) -> EventLog:
        limits = SpoolLimits(tmp_path / "spool" / "test.db", 10_000, when_full)
        opened.append(open_event_log(f"kafka://127.0.0.1:{free_port()}", source="test", spool=limits))
        return opened[-1]

    yield open_log
    for log in opened:
        log.close()


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def kilobyte() -> AuditEntry:
    return AuditEntry(action="x" * 1000)


def test_refusing_tells_the_publisher_when_to_come_back_and_the_operator_once(
    open_log: Open, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = open_log("refuse")

    with pytest.raises(Unavailable, match="used up") as caught:
        for _ in range(20):
            log.publish(topic_prefix, "key", kilobyte())

    with pytest.raises(Unavailable):
        log.publish(topic_prefix, "key", kilobyte())

    assert caught.value.retry_after
    said = capsys.readouterr()
    (line,) = (line for line in (said.out + said.err).splitlines() if "the spool is full" in line)
    assert "[error" in line and "new events are refused" in line
    assert sample("fairlead_events_spool_turned_away_total", topic=topic_prefix) == 2
    assert 5 < sample("fairlead_events_spooled_total", topic=topic_prefix) < 10
    assert sample("fairlead_events_spool_dropped_total", topic=topic_prefix, reason="full") == 0


def test_dropping_the_oldest_counts_them_and_goes_on(
    open_log: Open, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = open_log("drop_oldest")

    for _ in range(20):
        log.publish(topic_prefix, "key", kilobyte())

    dropped = sample("fairlead_events_spool_dropped_total", topic=topic_prefix, reason="full")
    assert sample("fairlead_events_spooled_total", topic=topic_prefix) == 20
    assert 10 < dropped < 15
    until(lambda: sample("fairlead_events_spool_events") == 20 - dropped, "the gauge of events")
    assert 0 < sample("fairlead_events_spool_bytes") <= 10_000
    said = capsys.readouterr()
    (line,) = (line for line in (said.out + said.err).splitlines() if "the spool is full" in line)
    assert "[error" in line and "the oldest events are dropped" in line


def test_an_event_that_no_broker_would_take_is_refused_at_once(open_log: Open, topic_prefix: str) -> None:
    log = open_log("refuse")
    log.publish(topic_prefix, "key", AuditEntry())

    with pytest.raises(InvalidArgument, match="are the most"):
        log.publish(topic_prefix, "key", AuditEntry(action="x" * 9_000_000))
    with pytest.raises(InvalidArgument, match="are the most"):
        # The payload alone would do, but not together with its key, which Kafka counts as well.
        log.publish(topic_prefix, "k" * 10_000, AuditEntry(action="x" * (MAX_RECORD_BYTES - 10_000)))
