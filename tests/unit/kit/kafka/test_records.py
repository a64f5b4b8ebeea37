"""Events as Kafka records and back (CloudEvents, Kafka binding, binary mode)."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft
from fairlead.kit.events.cloud_events import seal
from fairlead.kit.events.kafka.records import event_of, record_of


def consumed(**facts: Any) -> ConsumerRecord:
    given: dict[str, Any] = {"topic": "t", "partition": 2, "offset": 41, "timestamp": 1_700_000_000_123}
    given.update({"key": b"k", "value": b"", "headers": []}, **facts)
    return ConsumerRecord(**{name: given.get(name) for name in ConsumerRecord._fields})


def test_an_event_comes_back_as_it_was_published() -> None:
    envelope = seal(Draft("subject ü", AuditEntry(action="a"), "id-1"), "trainer", {"traceparent": "00-1-2-01"})
    record = record_of("t", envelope)

    event = event_of(
        consumed(key=record.key, value=record.value, headers=record.headers, timestamp=record.timestamp_ms)
    )

    assert (event.topic, event.key, event.id, event.source) == ("t", "subject ü", "id-1", "trainer")
    assert (event.partition, event.offset) == (2, 42)
    assert event.headers["traceparent"] == "00-1-2-01"
    assert round(event.time.timestamp() * 1e6) == envelope.time_us
    assert event.unpack(AuditEntry).action == "a"


def test_attributes_are_headers_as_other_tools_expect_them() -> None:
    envelope = seal(Draft("k", AuditEntry(), "id-1"), "trainer", {})

    headers = dict(record_of("t", envelope).headers)

    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == b"id-1"
    assert headers["ce_type"] == b"fairlead.api.events.v1.AuditEntry"
    assert headers["content-type"] == b"application/protobuf"


def test_the_record_has_the_time_of_the_event() -> None:
    envelope = seal(Draft("k", AuditEntry()), "trainer", {})

    assert record_of("t", envelope).timestamp_ms == envelope.time_us // 1000


def test_a_record_of_someone_who_knows_no_cloud_events_is_an_event_all_the_same() -> None:
    event = event_of(consumed(value=b"garbage"))

    assert (event.id, event.type, event.source, event.payload) == ("t/2/42", "", "", b"garbage")
    assert round(event.time.timestamp() * 1000) == 1_700_000_000_123


def test_neither_keys_nor_headers_need_be_text_or_there() -> None:
    headers = [("ce_id", b"\xff\xfe"), ("ce_time", b"yesterday"), ("other", None)]

    event = event_of(consumed(key=None, value=None, headers=headers, timestamp=-1))

    assert (event.key, event.payload, event.headers["other"]) == ("", b"", "")
    assert event.time.year == 1970


@pytest.mark.parametrize(
    "told", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-31T00:00:00Z", "2026-01-31T00:00:00"]
)
def test_a_time_beyond_the_calendar_or_of_no_zone_gives_way_to_that_of_the_record(told: str) -> None:
    event = event_of(consumed(headers=[("ce_time", told.encode())]))

    assert round(event.time.timestamp() * 1000) == 1_700_000_000_123
    assert event.headers["time"] == "2023-11-14T22:13:20.123000Z"


def test_a_record_whose_own_time_is_beyond_the_calendar_is_of_1970() -> None:
    event = event_of(consumed(headers=[("ce_time", b"0001-01-01T00:00:00+14:00")], timestamp=2**63 - 1))

    assert (event.id, event.time.year) == ("t/2/42", 1970)


def test_a_record_that_can_not_be_read_in_any_way_is_an_event_without_a_type() -> None:
    event = event_of(consumed(value=b"bytes", headers=[(None, b"of no name"), ("ce_type", b"t")]))

    assert (event.topic, event.partition, event.offset, event.id) == ("t", 2, 42, "t/2/42")
    assert (event.type, event.key, event.payload) == ("", "", b"bytes")
