"""CloudEvents 1.0 attributes of the events (cloudevents.io, with its distributed tracing extension).

An event on its way is an `Envelope`; `headers_of` and `envelope_of` are its way to a transport's headers and back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import uuid_utils

from fairlead.kit.tracing import inject

from .port import Draft, Event

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/protobuf"

# Of a dead letter, in characters: an error may repeat all of what it is about.
MAX_REASON = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The attributes that an envelope or its transport holds themselves; all other headers are extensions.
_CORE = frozenset({"specversion", "id", "source", "type", "time", "subject", "datacontenttype"})

# A forked child shares its parent's generator state and would repeat its ids.
os.register_at_fork(after_in_child=uuid_utils.reseed_rng)


@dataclass(frozen=True)
class Envelope:
    """An event before a store gives it an offset.

    `time_us` is microseconds since 1970 UTC; `extensions` are the attributes that CloudEvents leaves to others, such as
    the trace.
    """

    key: str
    id: str
    type: str
    source: str
    time_us: int
    extensions: Mapping[str, str]
    payload: bytes


def trace_context() -> dict[str, str]:
    """Return the current trace as W3C headers (traceparent, tracestate); {} outside any span."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


def seal(draft: Draft, source: str, trace: Mapping[str, str]) -> Envelope:
    """Return a draft as an event of now, serialized, with its own id or a fresh UUIDv7."""
    return Envelope(
        key=draft.key,
        id=draft.id or str(uuid_utils.uuid7()),
        type=draft.message.DESCRIPTOR.full_name,
        source=source,
        time_us=time.time_ns() // 1000,
        extensions=trace,
        payload=draft.message.SerializeToString(),
    )


def time_of(time_us: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC time, exactly."""
    return _EPOCH + timedelta(microseconds=time_us)


def microseconds_of(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970 UTC, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def headers_of(envelope: Envelope) -> dict[str, str]:
    """Return the CloudEvents attributes by name; the trace context is there where the publisher was in a span."""
    return {
        "specversion": SPEC_VERSION,
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": time_of(envelope.time_us).isoformat().replace("+00:00", "Z"),
        "subject": envelope.key,
        "datacontenttype": CONTENT_TYPE,
        **envelope.extensions,
    }


def envelope_of(headers: Mapping[str, str], *, key: str, payload: bytes, place: str, time_us: int) -> Envelope:
    """Return what `headers_of` described, from any record of a transport.

    A record of another publisher may lack headers: its id is then its `place` ("topic/partition/offset", the same
    at each delivery), its time that of the transport, and its type and source are empty.
    """
    return Envelope(
        key=key,
        id=headers.get("id") or place,
        type=headers.get("type", ""),
        source=headers.get("source", ""),
        time_us=_told_time(headers.get("time", ""), time_us),
        extensions={name: value for name, value in headers.items() if name not in _CORE},
        payload=payload,
    )


def event_at(envelope: Envelope, topic: str, partition: int, offset: int) -> Event:
    """Return the event that an envelope is once a store has given it a place."""
    return Event(
        topic=topic,
        key=envelope.key,
        partition=partition,
        offset=offset,
        id=envelope.id,
        type=envelope.type,
        source=envelope.source,
        time=time_of(envelope.time_us),
        headers=headers_of(envelope),
        payload=envelope.payload,
    )


def sealed(event: Event) -> Envelope:
    """Return the envelope of an event that was read, as for another store: same id, source, time and trace."""
    place = f"{event.topic}/{event.partition}/{event.offset}"
    time_us = microseconds_of(event.time)
    return envelope_of(event.headers, key=event.key, payload=event.payload, place=place, time_us=time_us)


def dead_letter_of(event: Event, reason: str, group: str) -> Envelope:
    """Return the copy of an event for its dead-letter topic, which tells why it is there and where it was.

    Its time is that of the rejection, which retention counts from. Its id is that of the event: together with the
    group it tells a repetition.
    """
    told = {
        "deadletterreason": reason[:MAX_REASON],
        "deadlettertopic": event.topic,
        "deadletterpartition": str(event.partition),
        "deadletteroffset": str(event.offset),
        "deadlettergroup": group,
    }
    copy = sealed(event)
    return replace(copy, time_us=time.time_ns() // 1000, extensions={**copy.extensions, **told})


def _told_time(text: str, otherwise_us: int) -> int:
    """Return an RFC 3339 time in microseconds since 1970; the other one where it is absent or no time of our calendar.

    The other one may be beyond the calendar as well: 1970 then.
    """
    moment: datetime | None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    told_us = otherwise_us if moment is None or moment.tzinfo is None else microseconds_of(moment)
    for candidate in (told_us, otherwise_us):
        try:
            time_of(candidate)
        except OverflowError:
            continue
        return candidate
    return 0
