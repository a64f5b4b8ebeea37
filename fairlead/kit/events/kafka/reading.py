"""Reading partitions from a place on, for replays: one consumer in no group, which all replays of a process share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, KafkaTimeoutError

from fairlead.kit.errors import FairleadError

from .consuming import close_consumer, connect_consumer
from .failures import failure_of
from .options import Cluster

PAGE_RECORDS = 500
PATIENCE_SECONDS = 10.0
_WAIT_MS = 500
# So long after a failure the next callers get it at once, instead of each waiting in vain in its turn.
_QUICK_FAILURE_SECONDS = 1.0

T = TypeVar("T")


class Reader:
    """Offsets here are Kafka's own: from 0, and an end is the offset of the record to come."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._consumer: KafkaConsumer | None = None
        # Where the consumer stands: reading on from there needs no new request for what it has fetched ahead.
        self._place: tuple[TopicPartition, int] | None = None
        self._failure: tuple[FairleadError, float] | None = None

    def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the end of each partition now."""
        return self._ask(
            "a look at the end of a topic",
            lambda consumer: dict(consumer.end_offsets(list(partitions), timeout_ms=_milliseconds(PATIENCE_SECONDS))),
        )

    def starts_at(self, ends: dict[TopicPartition, int], timestamp_ms: int) -> dict[TopicPartition, int]:
        """Return of each partition the first offset whose record is of that time or later; its end where none is."""
        times = dict.fromkeys(ends, max(0, timestamp_ms))
        found = self._ask(
            "a look at the times of a topic",
            lambda consumer: consumer.offsets_for_times(times, timeout_ms=_milliseconds(PATIENCE_SECONDS)),
        )
        return {place: at.offset if (at := found.get(place)) else end for place, end in ends.items()}

    def page(self, place: TopicPartition, start: int, end: int) -> tuple[list[ConsumerRecord], int]:
        """Return the next records from `start` on, below `end`, and where to go on.

        [] only where nothing is left: what retention, compaction or a transaction took away is passed over.
        """
        return self._ask(f"reading topic '{place.topic}'", lambda consumer: self._read(consumer, place, start, end))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _ask(self, doing: str, work: Callable[[KafkaConsumer], T]) -> T:
        asked_at = time.monotonic()
        with self._lock:
            if self._failure is not None and self._failure[1] > asked_at:
                raise self._failure[0]
            try:
                if self._consumer is None:
                    self._consumer = connect_consumer(self._cluster, None, max_poll_records=PAGE_RECORDS)
                return work(self._consumer)
            except (KafkaError, OSError, FairleadError) as error:
                self._close()
                failure = failure_of(error, doing, self._cluster)
                self._failure = (failure, time.monotonic() + _QUICK_FAILURE_SECONDS)
                raise failure from error

    def _read(
        self, consumer: KafkaConsumer, place: TopicPartition, start: int, end: int
    ) -> tuple[list[ConsumerRecord], int]:
        if self._place != (place, start):
            consumer.assign([place])
            consumer.seek(place, start)
        self._place = None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            records = consumer.poll(timeout_ms=_WAIT_MS).get(place, [])
            position = consumer.position(place, timeout_ms=_WAIT_MS)
            if position is not None and (records or position >= end):
                self._place = (place, position)
                return [record for record in records if record.offset < end], position
            if time.monotonic() >= deadline:
                raise KafkaTimeoutError(f"nothing came within {PATIENCE_SECONDS:.0f} s")

    def _close(self) -> None:
        consumer, self._consumer, self._place = self._consumer, None, None
        if consumer is not None:
            close_consumer(consumer)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
