"""The embedded event log: one SQLite file that many threads and processes of one machine publish to and consume.

Publishing is durable: WAL with synchronous=FULL, one transaction a call. A log may be used by all threads of its
process. After a fork the child may go on publishing and replaying; it must subscribe anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from google.protobuf.message import Message

from fairlead.kit.errors import FairleadError, InvalidArgument
from fairlead.kit.logging import get_logger

from ..cloud_events import Envelope, microseconds_of, seal, trace_context
from ..dead_letters import put_aside
from ..port import Draft, Event, Position
from ..retention import Retention
from .connections import Connections, enable_wal
from .heartbeat import Heartbeat
from .publishing import append
from .reading import PARTITION, read_page
from .schema import create_tables
from .subscription import SqliteSubscription
from .topic_table import TopicBounds, find_topic
from .trimming import trim

REPLAY_PAGE_EVENTS = 500
AGE_CHECK_SECONDS = 60.0
MAX_EVENT_BYTES = 64 * 1024 * 1024

_LOGGER = get_logger(__name__)


class SqliteEventLog:
    """See fairlead.kit.events.EventLog."""

    def __init__(self, path: str, *, source: str, retention: Retention) -> None:
        enable_wal(path)
        self._path = path
        self._source = source
        self._retention = retention
        self._durable = Connections(path, synchronous="FULL")
        self._quick = Connections(path, synchronous="NORMAL")
        self._durable.write(create_tables)
        self._heartbeat = Heartbeat()
        self._age_checked: dict[str, float] = {}
        self._pid = os.getpid()

    def publish(self, topic: str, key: str, message: Message, *, id: str = "") -> None:
        """Append one event; it is on disk when this returns. Raises Unavailable where the log stays locked."""
        self.publish_many(topic, [Draft(key, message, id)])

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        """Append events in order, all or none; raises InvalidArgument on an event over 64 MiB."""
        trace = trace_context()
        self.append(topic, [seal(draft, self._source, trace) for draft in drafts])

    def append(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Append events that were sealed already, in order, all or none; raises as publish_many."""
        if not topic:
            raise InvalidArgument("An event needs a topic.")
        for envelope in envelopes:
            if len(envelope.payload) > MAX_EVENT_BYTES:
                raise InvalidArgument(
                    f"An event of topic '{topic}' has {len(envelope.payload)} bytes; {MAX_EVENT_BYTES} are the most."
                )
        if envelopes:
            bounds = self._durable.write(lambda connection: append(connection, topic, envelopes))
            self._trim_now_and_then(topic, bounds)

    def subscribe(self, topics: Sequence[str], group: str) -> SqliteSubscription:
        """Join a consumer group; a new group starts at the oldest event that is kept."""
        if isinstance(topics, str) or not topics or not all(topics) or not group:
            raise InvalidArgument("A subscription needs a list of topics and a group.")
        subscription = SqliteSubscription(self._quick, topics, group, self._heartbeat.remove)
        self._heartbeat.add(subscription)
        return subscription

    def replay(
        self, topic: str, *, key: str | None = None, after: int = 0, since: datetime | None = None
    ) -> Iterator[Event]:
        """Return the events with offset > `after`, of one key if given, in order, up to the end as it is now.

        Read in pages, so a slow reader blocks nobody; what retention drops meanwhile is left out, and so is what was
        published before `since`.
        """
        with self._quick.connection() as connection:
            bounds = find_topic(connection, topic)
        since_us = 0 if since is None else microseconds_of(since)
        return iter(()) if bounds is None else self._pages(topic, bounds, key, after, since_us)

    def end_position(self, topic: str, key: str) -> Position:  # noqa: ARG002 - one partition, whatever the key
        """Return the end of the topic, which all keys share; offset 0 before the first event."""
        with self._quick.connection() as connection:
            bounds = find_topic(connection, topic)
        return Position(PARTITION, bounds.end_offset if bounds else 0)

    def reject(self, event: Event, reason: str, group: str) -> None:
        """Append an event that a group can't use to the topic's dead-letter topic; raises as publish."""
        put_aside(self.append, event, reason, group)

    def close(self) -> None:
        """Leave all groups and close the file; calls under way end first. Closing again does nothing."""
        if self._pid == os.getpid():
            for subscription in self._heartbeat.members():
                subscription.close()
            self._heartbeat.close()
        self._quick.close()
        self._durable.close()

    def _pages(self, topic: str, bounds: TopicBounds, key: str | None, after: int, since_us: int) -> Iterator[Event]:
        while after < bounds.end_offset:
            with self._quick.connection() as connection:
                page = read_page(
                    connection,
                    topic,
                    bounds.topic_id,
                    after=after,
                    until=bounds.end_offset,
                    limit=REPLAY_PAGE_EVENTS,
                    key=key,
                    since_us=since_us,
                )
            if not page:
                return
            yield from page
            after = page[-1].offset

    def _trim_now_and_then(self, topic: str, bounds: TopicBounds) -> None:
        """Drop a slice of the oldest events when the topic is too large, and each minute what is too old."""
        now = time.monotonic()
        too_much = bounds.stored_bytes > self._retention.max_bytes
        if not too_much and now - self._age_checked.get(topic, -AGE_CHECK_SECONDS) < AGE_CHECK_SECONDS:
            return
        try:
            dropped = self._quick.write(
                lambda connection: trim(connection, topic, self._retention, time.time_ns() // 1000)
            )
            if dropped == 0:
                self._age_checked[topic] = now
        except FairleadError as error:
            # The events are published all the same; a later publish trims.
            _LOGGER.warning("the event log could not be trimmed", topic=topic, error=error.message)
