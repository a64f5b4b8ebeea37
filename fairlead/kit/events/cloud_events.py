"""CloudEvents 1.0 attributes of the events (cloudevents.io, with its distributed tracing extension)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import uuid_utils
from google.protobuf.message import Message

from fairlead.kit.telemetry import inject

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/protobuf"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A forked child shares its parent's generator state and would repeat its ids.
os.register_at_fork(after_in_child=uuid_utils.reseed_rng)


@dataclass(frozen=True)
class Envelope:
    """An event before a store gives it an offset; `time_us` is microseconds since 1970 UTC."""

    key: str
    id: str
    type: str
    source: str
    time_us: int
    trace: Mapping[str, str]
    payload: bytes


def trace_context() -> dict[str, str]:
    """Return the current trace as W3C headers (traceparent, tracestate); {} outside any span."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


def seal(key: str, message: Message, source: str, trace: Mapping[str, str]) -> Envelope:
    """Return a message as an event of now with a fresh UUIDv7, serialized."""
    return Envelope(
        key=key,
        id=str(uuid_utils.uuid7()),
        type=message.DESCRIPTOR.full_name,
        source=source,
        time_us=time.time_ns() // 1000,
        trace=trace,
        payload=message.SerializeToString(),
    )


def time_of(time_us: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC time, exactly."""
    return _EPOCH + timedelta(microseconds=time_us)


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
        **envelope.trace,
    }
