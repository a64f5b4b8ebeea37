"""Events as Kafka records and back, after the Kafka binding of CloudEvents (binary mode).

Attributes are headers `ce_` + name, the content type is `content-type`, the subject is also the record's key, and the
payload is its value. The record's time is that of the event, so that reading `since` a time finds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kafka.consumer.fetcher import ConsumerRecord

from fairlead.kit.logging import get_logger

from ..cloud_events import Envelope, envelope_of, event_at, headers_of
from ..port import Event

PREFIX = "ce_"
CONTENT_TYPE = "content-type"
# What a record takes besides its key, value and headers, in a batch and in our memory.
OVERHEAD_BYTES = 64

_LOGGER = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """What goes to the broker; `size` is about what it takes on the wire before compression."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int
    size: int


def record_of(topic: str, envelope: Envelope) -> Record:
    """Return an event as a record."""
    headers = [(_header_name(name), value.encode()) for name, value in headers_of(envelope).items()]
    key = envelope.key.encode()
    size = len(key) + len(envelope.payload) + OVERHEAD_BYTES + sum(len(name) + len(value) for name, value in headers)
    return Record(topic, key, envelope.payload, headers, envelope.time_us // 1000, size)


def event_of(record: ConsumerRecord) -> Event:
    """Return any record as an event; offsets rise from 1 on the port and from 0 in Kafka.

    One that can't be read in any way is an event without a type: its consumers reject it, and go on behind it.
    """
    offset = record.offset + 1
    place = f"{record.topic}/{record.partition}/{offset}"
    try:
        envelope = envelope_of(
            _attributes(record.headers or ()),
            key=_text(record.key),
            payload=record.value or b"",
            place=place,
            time_us=max(0, record.timestamp or 0) * 1000,
        )
        return event_at(envelope, record.topic, record.partition, offset)
    except Exception:
        _LOGGER.exception("a record can't be read as an event; it is one without a type", place=place)
        payload = record.value if isinstance(record.value, bytes) else b""
        bare = Envelope("", place, "", "", time_us=0, extensions={}, payload=payload)
        return event_at(bare, record.topic, record.partition, offset)


def _header_name(attribute: str) -> str:
    return CONTENT_TYPE if attribute == "datacontenttype" else PREFIX + attribute


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Return the headers by attribute name; those of other tools keep the names they have."""
    found: dict[str, str] = {}
    for name, value in headers:
        attribute = "datacontenttype" if name == CONTENT_TYPE else name.removeprefix(PREFIX)
        found[attribute] = _text(value)
    return found


def _text(raw: bytes | None) -> str:
    # Other publishers may put any bytes in a key or a header; what is no UTF-8 must not stop a consumer.
    return (raw or b"").decode(errors="replace")
