"""The port of the event log: what publishers and consumers may rely on, whichever store is behind it.

Delivery is at least once, and in the order of publishing among events of one key: consumers must be idempotent
(an event's `id` tells a repetition). Offsets of a topic rise from 1; 0 means "before the first".
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
class Event:
    """One fact as it was published; `headers` holds its CloudEvents attributes and the trace context."""

    topic: str
    key: str
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

    def publish(self, topic: str, key: str, message: Message) -> None:
        """Append one event; it is on disk when this returns. Raises Unavailable where the log stays locked."""
        ...

    def publish_many(self, topic: str, messages: Iterable[tuple[str, Message]]) -> None:
        """Append (key, message) pairs in order, all or none."""
        ...

    def subscribe(self, topics: Sequence[str], group: str) -> Subscription:
        """Join a consumer group. A new group starts at the oldest event that is kept."""
        ...

    def replay(self, topic: str, *, key: str | None = None, after: int = 0) -> Iterator[Event]:
        """Return the events with offset > `after`, of one key if given, in order, up to the end as it is now."""
        ...

    def wait(self, topic: str, after: int, timeout: float) -> bool:
        """Return True as soon as an event with offset > `after` exists, False when `timeout` seconds passed."""
        ...

    def end_offset(self, topic: str) -> int:
        """Return the offset of the newest event; 0 before the first."""
        ...

    def close(self) -> None:
        """Close the subscriptions and the store."""
        ...
