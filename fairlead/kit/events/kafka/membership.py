"""What a member of a consumer group holds: the partitions that are its own, and what it handed out of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from kafka import TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.structs import OffsetAndMetadata


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """The places up to which events were handed out and not committed; the consumer tells of rebalances."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handed_out: dict[TopicPartition, int] = {}

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forget partitions that go to another member: it gets again what was not committed."""
        with self._lock:
            for partition in revoked:
                self._handed_out.pop(partition, None)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Forget partitions that went to another member already."""
        self.on_partitions_revoked(lost)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to note: the consumer begins at the committed place."""

    def hand_out(self, partition: TopicPartition, next_offset: int) -> None:
        """Note that the consumer's user has got what is before an offset."""
        with self._lock:
            self._handed_out[partition] = next_offset

    def pending(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return what a commit has to store."""
        with self._lock:
            return {place: OffsetAndMetadata(offset, "", -1) for place, offset in self._handed_out.items()}

    def settle(self, committed: dict[TopicPartition, OffsetAndMetadata]) -> None:
        """Note that a commit was stored."""
        with self._lock:
            for partition, place in committed.items():
                if self._handed_out.get(partition) == place.offset:
                    del self._handed_out[partition]
