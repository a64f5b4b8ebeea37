"""The port of the event log: what publishers and consumers may rely on, whichever store is behind it.

Delivery is at least once, and in the order of publishing among events of one key: consumers must be idempotent (an
event that comes again has the same `id`, also where its publisher repeated it under another offset). The events of a
key are in one partition of their topic; the offsets of a partition rise from 1, and 0 means "before the first".
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TypeVar

from google.protobuf.message import DecodeError, Message

from fairlead.kit.errors import InvalidArgument

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Draft:
    """An event to publish. Who may publish it twice gives it an `id` of its own; empty means a fresh UUIDv7."""

    key: str
    message: Message
    id: str = ""


@dataclass(frozen=True)
class Position:
    """A place in a topic: the newest event at or before it has this offset."""

    partition: int
    offset: int


@dataclass(frozen=True)
class Event:
    """One fact as it was published; `headers` holds its CloudEvents attributes and the trace context."""

    topic: str
    key: str
    partition: int
    offset: int
    id: str
    type: str
    source: str
    time: datetime
    headers: Mapping[str, str]
    payload: bytes

    def unpack(self, message_class: builtins.type[M]) -> M:
        """Return the payload as a `message_class`; raises InvalidArgument where the event carries another type."""
        expected = message_class.DESCRIPTOR.full_name
        if self.type != expected:
            raise InvalidArgument(
                f"Event {self.offset} of topic '{self.topic}' carries a {self.type}, not a {expected}; check its type."
            )
        message = message_class()
        try:
            message.ParseFromString(self.payload)
        except DecodeError as error:
            raise InvalidArgument(
                f"Event {self.offset} of topic '{self.topic}' is not a valid {expected}: {error}."
            ) from error
        return message


class Subscription(Protocol):
    """One member of a consumer group; a context manager. Of each topic, one member at a time gets the events."""

    def poll(self, max_events: int = 500, timeout: float = 1.0) -> list[Event]:
        """Return the next events (ordered within each topic), waiting up to `timeout` seconds; [] when none came."""
        ...

    def commit(self) -> None:
        """Store that everything polled so far is done: no member of the group gets it again."""
        ...

    def close(self) -> None:
        """Leave the group at once; what was not committed goes to the next member."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class EventLog(Protocol):
    """A durable log of events by topic, which many processes publish to and consume from."""

    def publish(self, topic: str, key: str, message: Message, *, id: str = "") -> None:
        """Keep one event; it is on disk, the log's or the spool's, when this returns. Raises Unavailable."""
        ...

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        """Keep events in order, all of them where this returns; repeat the call, ids included, where it raises."""
        ...

    def subscribe(self, topics: Sequence[str], group: str) -> Subscription:
        """Join a consumer group. A new group starts at the oldest event that is kept."""
        ...

    def replay(
        self, topic: str, *, key: str | None = None, after: int = 0, since: datetime | None = None
    ) -> Iterator[Event]:
        """Return what is kept, up to the end as it is now: of one key in order, or of all keys.

        Of a key, `after` leaves out the offsets up to it, and `since` (a hint that saves reading) may leave out what
        was published before that time.
        """
        ...

    def end_position(self, topic: str, key: str) -> Position:
        """Return the end of the partition that a key's events are in; offset 0 before the first."""
        ...

    def reject(self, event: Event, reason: str, group: str) -> None:
        """Put an event that a group can't use on the topic's dead-letter topic (topics.dead_letter).

        The copy has the event's bytes, key, id and type, and the headers deadletterreason, deadlettertopic,
        deadletterpartition, deadletteroffset and deadlettergroup. The group then commits as usual. A repeated
        rejection has the same id and group. Where the copy is too large for the log, it has no payload, and
        deadletteromittedbytes says how much there was.
        """
        ...

    def close(self) -> None:
        """Close the subscriptions and the store."""
        ...
