"""A consumer of one topic, for a group: joining, handing out, committing, and being made anew where it is stuck."""

from __future__ import annotations

import time

from kafka import KafkaConsumer, TopicPartition
from kafka.coordinator.base import MemberState
from kafka.errors import KafkaError

from fairlead.kit.logging import get_logger

from ..consumer_metrics import ConsumerMetrics
from ..port import Event
from .consuming import close_consumer, connect_consumer
from .failures import MEMBERSHIP_LOST, failure_of
from .group_ids import group_id_of
from .membership import Membership
from .metrics import CONSUMER_RECREATED
from .options import Cluster
from .partitions import PartitionTable
from .records import event_of
from .watchdog import Progress, StallDetector

LOOK_SECONDS = 5.0
COMMIT_TIMEOUT_MS = 5_000
JOIN_SECONDS = 1.0
"""A poll takes this long at least until the group has taken the member in."""
# A look at how far a consumer is must not hold up its user.
_LOOK_TIMEOUT_MS = 500
_NO_PARTITION = -1

_LOGGER = get_logger(__name__)


class Member:
    """Used under its subscription's lock. It joins at the first poll."""

    def __init__(
        self, cluster: Cluster, partitions: PartitionTable, topic: str, group: str, stall_seconds: float
    ) -> None:
        self._cluster = cluster
        self._partitions = partitions
        self._topic = topic
        self._group = group
        self._membership = Membership()
        self._metrics = ConsumerMetrics(group, topic)
        self._look_seconds = min(LOOK_SECONDS, stall_seconds / 4)
        self._stalls: StallDetector[TopicPartition] = StallDetector(stall_seconds, 2 * self._look_seconds)
        self._looked_at = time.monotonic()
        self._busy = False
        self.consumer: KafkaConsumer | None = None

    def poll(self, max_events: int, seconds: float) -> list[Event]:
        """Return the next events, [] after some seconds; raises as the subscription's poll."""
        self._metrics.asked()
        consumer = self._watched(self._joined())
        if consumer.group_metadata().state is not MemberState.STABLE:
            # An answer of the group that comes between two polls is not taken up: the consumer asks once more.
            seconds = max(seconds, JOIN_SECONDS)
        try:
            found = consumer.poll(timeout_ms=round(seconds * 1000), max_records=max_events)
            events = [event_of(record) for records in found.values() for record in records]
        except Exception as error:
            # The consumer may be past what its user never got: it begins again at the committed place.
            self.leave()
            if isinstance(error, (KafkaError, OSError)):
                raise failure_of(error, f"a poll of group '{self._group}'", self._cluster) from error
            raise
        self._busy = self._busy or bool(events)
        self._metrics.given(len(events))
        for partition, records in found.items():
            self._membership.hand_out(partition, records[-1].offset + 1)
        return events

    def commit(self) -> None:
        """Store that what was handed out is done; raises Unavailable, and may be called again then."""
        pending = self._membership.pending()
        if self.consumer is None or not pending:
            return
        try:
            self.consumer.commit(pending, timeout_ms=COMMIT_TIMEOUT_MS)
        except MEMBERSHIP_LOST as error:
            _LOGGER.warning(
                "a consumer lost its partitions; what it did not commit is delivered again",
                group=self._group,
                topic=self._topic,
                reason=type(error).__name__,
            )
            return
        except (KafkaError, OSError) as error:
            raise failure_of(error, f"a commit of group '{self._group}'", self._cluster) from error
        self._membership.settle(pending)

    def leave(self) -> None:
        """Leave the group; what was not committed goes to the next member, or to this one should it join again."""
        consumer, self.consumer = self.consumer, None
        self._membership = Membership()
        self._stalls.reset()
        self._metrics.waiting(0)
        if consumer is not None:
            close_consumer(consumer)

    def _joined(self) -> KafkaConsumer:
        if self.consumer is None:
            self._partitions.count(self._topic)
            consumer = connect_consumer(self._cluster, group_id_of(self._group, self._topic))
            consumer.subscribe([self._topic], listener=self._membership)
            try:
                # Joined without knowing the partitions it would get none, and join again once it does: a rejoin that a
                # short poll breaks off is never completed (kafka-python 3.0.12, ConsumerCoordinator.need_rejoin).
                consumer.partitions_for_topic(self._topic)
            except (KafkaError, OSError) as error:
                close_consumer(consumer)
                raise failure_of(error, f"a look at topic '{self._topic}'", self._cluster) from error
            self.consumer = consumer
        return self.consumer

    def _watched(self, consumer: KafkaConsumer) -> KafkaConsumer:
        """Look now and then whether the consumer is stuck in any partition; return it or its successor."""
        now = time.monotonic()
        if now - self._looked_at < self._look_seconds:
            return consumer
        self._looked_at = now
        progress = self._progress(consumer)
        self._metrics.waiting(sum(max(0, each.end - each.position) for each in progress.values()))
        stalled = self._stalls.look(progress, now, self._busy)
        self._busy = False
        if not stalled:
            return consumer
        _LOGGER.warning(
            "a consumer does not move although events wait; it is made anew",
            group=self._group,
            topic=self._topic,
            partitions=[place.partition for place in stalled if place.partition != _NO_PARTITION],
        )
        CONSUMER_RECREATED.labels(self._group).inc()
        self.leave()
        return self._joined()

    def _progress(self, consumer: KafkaConsumer) -> dict[TopicPartition, Progress]:
        """Return how far the consumer is; {} where no broker answers, which is no stall."""
        try:
            held = list(consumer.assignment() or ())
            # Asked of any partition, where none is held: it tells whether a broker answers.
            ends = consumer.end_offsets(held or [TopicPartition(self._topic, 0)], timeout_ms=_LOOK_TIMEOUT_MS)
            if consumer.group_metadata().state is not MemberState.STABLE:
                # Between two assignments for long: it was seen never to come out of there again.
                return {TopicPartition(self._topic, _NO_PARTITION): Progress(0, 1)}
            return {
                place: Progress(position, ends[place])
                for place in held
                if place in (consumer.assignment() or ())
                and (position := consumer.position(place, timeout_ms=0)) is not None
            }
        except (KafkaError, OSError) as error:
            _LOGGER.debug("how far a consumer is can't be seen now", group=self._group, error=str(error))
            return {}
