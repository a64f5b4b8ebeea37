"""The event log on Kafka, as backups see it: our topics, and the groups that consume them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from fairlead.admin.backup.events import Ends
from fairlead.admin.backup.manifest import GroupPosition
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.events import Event
from fairlead.kit.events.cloud_events import Envelope
from fairlead.kit.events.kafka.event_log import KafkaEventLog
from fairlead.kit.events.kafka.group_ids import group_id_of, group_of
from fairlead.kit.events.kafka.options import Cluster
from fairlead.kit.events.topics import SPECS

REQUEST_TIMEOUT_MS = 15_000
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.5

T = TypeVar("T")


class KafkaEvents:
    """Implements EventStore. An offset of the port is that of the record after it in Kafka."""

    kind = "kafka"

    def __init__(self, cluster: Cluster) -> None:
        """Connect. Raises Unavailable."""
        self._brokers = cluster
        try:
            self._admin = KafkaAdminClient(request_timeout_ms=REQUEST_TIMEOUT_MS, **cluster.client_config())
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {cluster} can't be reached: {_reason(error)}") from error
        self._log = KafkaEventLog(cluster, source="backup")
        self.cluster = str(self._ask(self._admin.describe_cluster)["cluster_id"])
        self._known: dict[str, tuple[str, tuple[int, ...]]] = {}

    def groups(self) -> tuple[GroupPosition, ...]:
        """Return how far each group of ours is in our topics; other tools' groups are left out."""
        names = sorted(group["group_id"] for group in self._ask(self._admin.list_groups))
        found = self._ask(lambda: self._admin.list_group_offsets(names)) if names else {}
        ours = self._topics()
        return tuple(
            GroupPosition(group_of(name, place.topic), place.topic, place.partition, at.offset)
            for name in sorted(found)
            for place, at in sorted(found[name].items())
            if place.topic in ours and at.offset >= 0 and group_of(name, place.topic) != name
        )

    def topics(self) -> dict[str, str]:
        """Return our topics and their ids."""
        return {name: identity for name, (identity, _) in self._topics().items()}

    def look_again(self) -> None:
        """Ask Kafka for the topics again."""
        self._known = {}

    def ends(self, topic: str) -> Ends:
        """Return the newest offset of each partition."""
        return self._bounds(topic, OffsetSpec.LATEST)

    def events(self, topic: str) -> Iterator[Event]:
        """Return what a topic keeps, partition by partition."""
        return self._log.replay(topic)

    def kept(self, topic: str) -> int:
        """Return how many events a topic keeps, where none was taken out of its middle."""
        if topic not in self._topics():
            return 0
        return sum(self.ends(topic).values()) - sum(self._bounds(topic, OffsetSpec.EARLIEST).values())

    def begin(self, topic: str, first: int) -> None:  # noqa: ARG002 - Kafka gives the offsets
        """Require the topic. Raises FailedPrecondition where it is missing."""
        if topic not in self._topics():
            raise FailedPrecondition(
                f"Kafka at {self._brokers} has no topic '{topic}'; make it first: fairlead events setup"
            )

    def append(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Publish events as they are."""
        self._log.append(topic, envelopes)

    def set_groups(self, positions: Sequence[GroupPosition]) -> None:
        """Put groups without members at these positions. Raises FailedPrecondition for one that has members."""
        for name in sorted({group_id_of(position.group, position.topic) for position in positions}):
            wanted = {
                TopicPartition(p.topic, p.partition): OffsetAndMetadata(p.offset, "", -1)
                for p in positions
                if group_id_of(p.group, p.topic) == name
            }
            done = self._ask(partial(self._admin.alter_group_offsets, name, wanted))
            if refused := [error for error in done.values() if getattr(error, "errno", 0)]:
                raise FailedPrecondition(
                    f"Kafka does not let the consumer group {name} be set back ({refused[0].__name__}); stop all "
                    "services of Fairlead and begin again"
                )

    def busy_groups(self) -> tuple[str, ...]:
        """Return the groups of our topics that have members."""
        names = sorted({group_id_of(position.group, position.topic) for position in self.groups()})
        if not names:
            return ()
        found = self._ask(lambda: self._admin.describe_groups(names))
        return tuple(name for name in names if found[name].get("members"))

    def clear(self, topic: str) -> None:
        """Remove all events of a topic."""
        ends = {TopicPartition(topic, number): end for number, end in self.ends(topic).items() if end > 0}
        if ends:
            self._ask(lambda: self._admin.delete_records(ends))

    def close(self) -> None:
        """Close the connections."""
        self._log.close()
        self._admin.close()

    def _topics(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        if not self._known:
            wanted = {spec.name for spec in SPECS}
            names = sorted(wanted.intersection(self._ask(self._admin.list_topics)))
            for found in self._ask(lambda: self._admin.describe_topics(names)) if names else ():
                partitions = sorted(int(p.get("partition_index", p.get("partition"))) for p in found["partitions"])
                self._known[_name(found)] = (str(found.get("topic_id", "")), tuple(partitions))
        return self._known

    def _bounds(self, topic: str, which: Any) -> Ends:
        _, partitions = self._topics()[topic]
        places = {TopicPartition(topic, number): which for number in partitions}
        found = self._ask(lambda: self._admin.list_partition_offsets(places))
        return {place.partition: max(0, at.offset) for place, at in found.items()}

    def _ask(self, work: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return work()
            except (KafkaError, OSError) as error:
                # A new cluster has no coordinator of groups for some seconds, for one.
                if not getattr(error, "retriable", False) or time.monotonic() > deadline:
                    raise Unavailable(f"Kafka at {self._brokers} can't be asked: {_reason(error)}") from error
            time.sleep(PAUSE_SECONDS)


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(":") or type(error).__name__


def _name(found: dict[str, Any]) -> str:
    return str(found.get("name") or found.get("topic"))
