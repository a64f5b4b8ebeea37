"""A member of a consumer group on Kafka."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from fairlead.kit.logging import get_logger

from ..port import Event
from .consuming import close_consumer, connect_consumer
from .failures import MEMBERSHIP_LOST, failure_of
from .membership import Membership
from .metrics import CONSUMER_RECREATED
from .options import Cluster
from .partitions import PartitionTable
from .records import event_of
from .watchdog import Progress, StallDetector

STALL_SECONDS = 30.0
LOOK_SECONDS = 5.0
REQUEST_TIMEOUT_MS = 5_000
# A look at how far a consumer is must not hold up its user.
_LOOK_TIMEOUT_MS = 500
# While a member waits it looks this often whether it was closed.
_SLICE_SECONDS = 0.25
# A poll that may not wait gets what is at hand, once the member is in its group.
_AT_HAND_SECONDS = 0.02

_LOGGER = get_logger(__name__)


class KafkaSubscription:
    """See fairlead.kit.events.Subscription. Threads may share one; it joins the group at the first poll."""

    def __init__(
        self,
        cluster: Cluster,
        partitions: PartitionTable,
        topics: Sequence[str],
        group: str,
        on_close: Callable[[KafkaSubscription], None],
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._partitions = partitions
        self._topics = list(dict.fromkeys(topics))
        self._group = group
        self._on_close = on_close
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._consumer: KafkaConsumer | None = None
        self._membership = Membership()
        self._look_seconds = min(LOOK_SECONDS, stall_seconds / 4)
        self._stalls: StallDetector[TopicPartition] = StallDetector(stall_seconds, 2 * self._look_seconds)
        self._looked_at = time.monotonic()
        self._busy = False

    def poll(self, max_events: int = 500, timeout: float = 1.0) -> list[Event]:
        """Return up to `max_events` next events, or [] after `timeout` seconds or when closed meanwhile.

        While no broker answers nothing comes. Raises FailedPrecondition once closed or where a topic is missing,
        Unavailable where there was no connection yet and none comes about, PermissionDenied.
        """
        if max_events < 1:
            raise InvalidArgument("max_events must be 1 or more.")
        with self._lock:
            self._require_usable()
            consumer = self._watched(self._joined())
            deadline = time.monotonic() + timeout
            while not self._closing.is_set():
                left = deadline - time.monotonic()
                events = self._poll(consumer, max_events, min(_SLICE_SECONDS, max(left, _AT_HAND_SECONDS)))
                if events:
                    return events
                consumer = self._watched(consumer)
                if time.monotonic() >= deadline:
                    break
            return []

    def commit(self) -> None:
        """Store that everything polled so far is done; without effect on partitions that went to another member."""
        with self._lock:
            self._require_usable()
            pending = self._membership.pending()
            if self._consumer is None or not pending:
                return
            try:
                self._consumer.commit(pending, timeout_ms=REQUEST_TIMEOUT_MS)
            except MEMBERSHIP_LOST as error:
                _LOGGER.warning(
                    "a consumer lost its partitions; what it did not commit is delivered again",
                    group=self._group,
                    reason=type(error).__name__,
                )
                return
            except (KafkaError, OSError) as error:
                raise failure_of(error, f"a commit of group '{self._group}'", self._cluster) from error
            self._membership.settle(pending)

    def close(self) -> None:
        """Leave the group at once; what was not committed goes to the next member. Closing again does nothing."""
        already = self._closing.is_set()
        self._closing.set()
        if already or self._pid != os.getpid():
            return
        self._on_close(self)
        with self._lock:
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_usable(self) -> None:
        if self._closing.is_set():
            raise FailedPrecondition(f"The subscription of group '{self._group}' is closed; subscribe again.")
        if self._pid != os.getpid():
            raise FailedPrecondition("A subscription can't be used in a forked child; subscribe there again.")

    def _joined(self) -> KafkaConsumer:
        if self._consumer is None:
            for topic in self._topics:
                self._partitions.count(topic)
            self._consumer = connect_consumer(self._cluster, self._group)
            self._consumer.subscribe(self._topics, listener=self._membership)
        return self._consumer

    def _poll(self, consumer: KafkaConsumer, max_events: int, seconds: float) -> list[Event]:
        try:
            found = consumer.poll(timeout_ms=round(seconds * 1000), max_records=max_events)
        except (KafkaError, OSError) as error:
            self._leave()
            raise failure_of(error, f"a poll of group '{self._group}'", self._cluster) from error
        events: list[Event] = []
        self._busy = self._busy or bool(found)
        for partition, records in found.items():
            events += [event_of(record) for record in records]
            self._membership.hand_out(partition, records[-1].offset + 1)
        return events

    def _watched(self, consumer: KafkaConsumer) -> KafkaConsumer:
        """Look now and then whether the consumer is stuck in any partition; return it or its successor."""
        now = time.monotonic()
        if now - self._looked_at < self._look_seconds:
            return consumer
        self._looked_at = now
        stalled = self._stalls.look(self._progress(consumer), now, self._busy)
        self._busy = False
        if not stalled:
            return consumer
        _LOGGER.warning(
            "a consumer does not move although events wait; it is made anew",
            group=self._group,
            partitions=[f"{place.topic}/{place.partition}" for place in stalled],
        )
        CONSUMER_RECREATED.labels(self._group).inc()
        self._leave()
        return self._joined()

    def _progress(self, consumer: KafkaConsumer) -> dict[TopicPartition, Progress]:
        """Return how far the consumer is; {} where no broker answers, which is no stall."""
        try:
            held = list(consumer.assignment() or ())
            ends = consumer.end_offsets(held, timeout_ms=_LOOK_TIMEOUT_MS) if held else {}
            return {
                place: Progress(position, end)
                for place, end in ends.items()
                if consumer.assignment()
                and place in consumer.assignment()
                and (position := consumer.position(place, timeout_ms=0)) is not None
            }
        except (KafkaError, OSError) as error:
            _LOGGER.debug("how far a consumer is can't be seen now", group=self._group, error=str(error))
            return {}

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._membership = Membership()
        self._stalls.reset()
        if consumer is not None:
            close_consumer(consumer)
