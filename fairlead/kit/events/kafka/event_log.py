"""The event log on Kafka: publishing, consumer groups and replays by kafka-python's clients.

A log may be used by all threads of its process. A forked child opens its own.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from google.protobuf.message import Message
from kafka import TopicPartition

from fairlead.kit.errors import FailedPrecondition, InvalidArgument

from ..cloud_events import Envelope, microseconds_of, seal, trace_context
from ..dead_letters import put_aside
from ..port import Draft, Event, Position
from .options import Cluster
from .partitions import PartitionTable
from .reading import Reader
from .records import event_of, record_of
from .sender import Sender
from .subscription import KafkaSubscription

CHUNK_EVENTS = 2_000
CHUNK_BYTES = 8 * 1024 * 1024


class KafkaEventLog:
    """See fairlead.kit.events.EventLog. Opening connects to nothing: brokers that are away show at the first use."""

    def __init__(self, cluster: Cluster, *, source: str) -> None:
        # Its warnings tell of each retry, several a second while a broker is away; our errors tell what it means.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._cluster = cluster
        self._source = source
        self._partitions = PartitionTable(cluster)
        self._sender = Sender(cluster, self._partitions)
        self._reader = Reader(cluster)
        self._guard = threading.Lock()
        self._subscriptions: set[KafkaSubscription] = set()
        self._closed = False
        self._pid = os.getpid()

    def publish(self, topic: str, key: str, message: Message, *, id: str = "") -> None:
        """Publish one event; all replicas in sync have it when this returns. Raises Unavailable after some seconds."""
        self.publish_many(topic, [Draft(key, message, id)])

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        """Publish events in order, all of them where this returns; repeat the call, ids included, where it raises.

        Raises Unavailable, InvalidArgument on an event over the brokers' limit, FailedPrecondition where the topic is
        missing.
        """
        trace = trace_context()
        waiting = iter(drafts)
        while chunk := [seal(draft, self._source, trace) for draft in islice(waiting, CHUNK_EVENTS)]:
            self.append(topic, chunk)

    def append(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Publish events that were sealed already, in order; raises as publish_many."""
        self._require_usable()
        if not topic:
            raise InvalidArgument("An event needs a topic.")
        start = size = 0
        records = [record_of(topic, envelope) for envelope in envelopes]
        for index, record in enumerate(records):
            if size and size + record.size > CHUNK_BYTES:
                self._sender.send(records[start:index])
                start, size = index, 0
            size += record.size
        self._sender.send(records[start:])

    def subscribe(self, topics: Sequence[str], group: str) -> KafkaSubscription:
        """Join a consumer group, at the first poll; a new group starts at the oldest event that is kept."""
        self._require_usable()
        if isinstance(topics, str) or not topics or not all(topics) or not group:
            raise InvalidArgument("A subscription needs a list of topics and a group.")
        subscription = KafkaSubscription(self._cluster, self._partitions, topics, group, self._forget)
        with self._guard:
            self._subscriptions.add(subscription)
        return subscription

    def replay(
        self, topic: str, *, key: str | None = None, after: int = 0, since: datetime | None = None
    ) -> Iterator[Event]:
        """Return what is kept, up to the end as it is now: of one key in order, or partition by partition.

        Read in pages. Where nothing is newer than `after`, this asks the brokers for the end and nothing else.
        """
        self._require_usable()
        wanted = None if key is None else key.encode()
        count = self._partitions.count(topic)
        numbers = range(count) if wanted is None else [self._partitions.of(topic, wanted)]
        ends = self._reader.ends([TopicPartition(topic, number) for number in numbers])
        ends = {place: end for place, end in ends.items() if end > after}
        starts = dict.fromkeys(ends, after)
        if since is not None and ends:
            found = self._reader.starts_at(ends, microseconds_of(since) // 1000)
            starts = {place: max(after, found[place]) for place in ends}
        return self._pages(starts, ends, wanted)

    def end_position(self, topic: str, key: str) -> Position:
        """Return the end of the partition that a key's events are in; offset 0 before the first event."""
        self._require_usable()
        place = TopicPartition(topic, self._partitions.of(topic, key.encode()))
        return Position(place.partition, self._reader.ends([place])[place])

    def reject(self, event: Event, reason: str, group: str) -> None:
        """Publish an event that a group can't use on the topic's dead-letter topic; raises as publish."""
        put_aside(self.append, event, reason, group)

    def close(self) -> None:
        """Leave all groups, send what waits and close the connections. Closing again does nothing."""
        if self._closed or self._pid != os.getpid():
            return
        self._closed = True
        with self._guard:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.close()
        self._sender.close()
        self._reader.close()
        self._partitions.close()

    def _pages(
        self, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int], wanted: bytes | None
    ) -> Iterator[Event]:
        for place, end in ends.items():
            start = starts[place]
            while start < end:
                records, start = self._reader.page(place, start, end)
                for record in records:
                    if wanted is None or (record.key or b"") == wanted:
                        yield event_of(record)

    def _forget(self, subscription: KafkaSubscription) -> None:
        with self._guard:
            self._subscriptions.discard(subscription)

    def _require_usable(self) -> None:
        if self._closed:
            raise FailedPrecondition("The event log is closed; open it again.")
        if self._pid != os.getpid():
            raise FailedPrecondition("An event log on Kafka can't be used in a forked child; open it there again.")
