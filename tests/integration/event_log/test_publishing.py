"""What publishing promises."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry, DeploymentChanged
from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from fairlead.kit.events import Draft, EventLog
from fairlead.kit.tracing import configure_tracing, extract, span

from .reading import by_key, entry, said, spread
from .stores import Store


def test_what_was_published_is_there_after_reopening(store: Store, topic: str) -> None:
    log = store.open()
    log.publish_many(topic, [Draft("a", entry("1")), Draft("a", entry("2"))])
    log.close()
    assert [(event.key, event.unpack(AuditEntry).action) for event in store.open().replay(topic)] == [
        ("a", "1"),
        ("a", "2"),
    ]


def test_events_of_a_key_keep_their_order(log: EventLog, topic: str) -> None:
    for start in range(0, 600, 200):
        spread(log, topic, range(start, start + 200))
    assert by_key(log.replay(topic)) == {f"key-{key}": list(range(key, 600, 20)) for key in range(20)}


def test_a_key_is_in_one_partition_whose_offsets_rise_from_one(log: EventLog, topic: str) -> None:
    spread(log, topic, range(100))
    partitions: dict[int, list[int]] = {}
    of_key: dict[str, set[int]] = {}
    for event in log.replay(topic):
        partitions.setdefault(event.partition, []).append(event.offset)
        of_key.setdefault(event.key, set()).add(event.partition)
    assert all(offsets == list(range(1, len(offsets) + 1)) for offsets in partitions.values())
    assert all(len(found) == 1 for found in of_key.values())


def test_an_event_has_the_id_of_its_publishers_or_a_fresh_one(log: EventLog, topic: str) -> None:
    log.publish_many(topic, [Draft("a", entry("1"), id="task-1.7"), Draft("a", entry("2")), Draft("a", entry("3"))])
    first, second, third = log.replay(topic)
    assert first.id == "task-1.7"
    assert (second.id[14], third.id[14]) == ("7", "7"), "fresh ids are UUIDv7"
    assert second.id < third.id


def test_what_a_publisher_repeats_has_the_same_id_again(log: EventLog, topic: str) -> None:
    for _ in range(2):
        log.publish(topic, "a", entry("1"), id="task-1.7")
    assert {event.id for event in log.replay(topic)} == {"task-1.7"}


def test_headers_are_cloud_events_attributes(store: Store, topic: str) -> None:
    log = store.open("trainer")
    before = datetime.now(UTC)
    log.publish(topic, "projects/default", entry("x"))
    (event,) = log.replay(topic)
    assert dict(event.headers) == {
        "specversion": "1.0",
        "id": event.id,
        "source": "trainer",
        "type": "fairlead.api.events.v1.AuditEntry",
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "subject": "projects/default",
        "datacontenttype": "application/protobuf",
    }
    assert (event.source, event.type, event.topic) == ("trainer", "fairlead.api.events.v1.AuditEntry", topic)
    assert before - timedelta(milliseconds=1) <= event.time <= datetime.now(UTC)


def test_the_publishers_trace_travels_with_the_event(log: EventLog, topic: str) -> None:
    configure_tracing("test")
    with span("publish") as current:
        log.publish(topic, "p", entry("x"))
        trace_id = current.get_span_context().trace_id
    (event,) = log.replay(topic)
    with span("consume", parent=extract(event.headers)) as following:
        assert following.get_span_context().trace_id == trace_id


def test_any_text_may_be_a_key_or_an_id(log: EventLog, topic: str) -> None:
    texts = ["", "a b/c", "Åäö 漢字", "x" * 500]
    log.publish_many(topic, [Draft(text, entry(text), id=f"id-{text}") for text in texts])
    found = {(event.key, event.id, event.unpack(AuditEntry).action) for event in log.replay(topic)}
    assert found == {(text, f"id-{text}", text) for text in texts}


def test_unpack_refuses_another_type(log: EventLog, topic: str) -> None:
    log.publish(topic, "p", entry("x"))
    (event,) = log.replay(topic)
    with pytest.raises(InvalidArgument, match=r"carries a fairlead\.api\.events\.v1\.AuditEntry"):
        event.unpack(DeploymentChanged)


def test_an_event_without_a_topic_or_beyond_all_limits_is_refused(log: EventLog, topic: str) -> None:
    with pytest.raises(InvalidArgument):
        log.publish("", "k", entry("x"))
    with pytest.raises(InvalidArgument):
        log.publish(topic, "k", entry("x" * (64 * 1024 * 1024)))
    assert log.end_position(topic, "k").offset == 0


def test_nothing_to_publish_is_no_error(log: EventLog, topic: str) -> None:
    log.publish_many(topic, [])
    assert list(log.replay(topic)) == []


def test_threads_share_a_log(log: EventLog, topic: str) -> None:
    def run(thread: int) -> None:
        for number in range(25):
            log.publish(topic, f"thread-{thread}", entry(str(number)))

    threads = [threading.Thread(target=run, args=[thread]) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert by_key(log.replay(topic)) == {f"thread-{thread}": list(range(25)) for thread in range(8)}


def test_a_closed_log_says_so(store: Store, topic: str) -> None:
    log = store.open()
    log.publish(topic, "a", entry("1"))
    log.close()
    log.close()
    with pytest.raises(FailedPrecondition, match="closed"):
        log.publish(topic, "a", entry("2"))
    assert said(store.open().replay(topic)) == ["1"]
