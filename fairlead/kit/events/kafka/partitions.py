"""Which partition the events of a key are in: Kafka's own rule, which all its clients share (murmur2 of the key)."""

from __future__ import annotations

import threading
import time
from functools import lru_cache

from kafka.admin import KafkaAdminClient
from kafka.errors import InvalidTopicError, KafkaError, UnknownTopicOrPartitionError, for_code
from kafka.partitioner.default import murmur2

from fairlead.kit.errors import InvalidArgument

from .failures import failure_of, no_topic
from .options import Cluster

KEPT_SECONDS = 60.0
REQUEST_TIMEOUT_MS = 5_000


@lru_cache(maxsize=8192)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, 0 to partitions - 1."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class PartitionTable:
    """How many partitions each topic has, asked for once a minute; for many threads."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._admin: KafkaAdminClient | None = None
        self._known: dict[str, tuple[int, float]] = {}

    def count(self, topic: str) -> int:
        """Return the number of partitions; raises FailedPrecondition where there is no such topic, Unavailable."""
        known = self._known.get(topic)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        with self._lock:
            try:
                count = self._ask(topic)
            except (KafkaError, OSError) as error:
                self._close()
                if known is not None:
                    # Topics rarely change; whether the brokers are there is for the caller's own request to find out.
                    self._known[topic] = (known[0], time.monotonic() + KEPT_SECONDS)
                    return known[0]
                raise failure_of(error, f"a look at topic '{topic}'", self._cluster) from error
        self._known[topic] = (count, time.monotonic() + KEPT_SECONDS)
        return count

    def of(self, topic: str, key: bytes) -> int:
        """Return the partition of a key in a topic; raises as `count`."""
        return partition_of(key, self.count(topic))

    def forget(self, topic: str) -> None:
        """Ask again at the next call: the topic was seen to be another than known."""
        known = self._known.get(topic)
        if known is not None:
            self._known[topic] = (known[0], 0.0)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _ask(self, topic: str) -> int:
        if self._admin is None:
            config = self._cluster.client_config()
            self._admin = KafkaAdminClient(request_timeout_ms=REQUEST_TIMEOUT_MS, **config)
        (found,) = self._admin.describe_topics([topic])
        if found["error_code"] == UnknownTopicOrPartitionError.errno:
            raise no_topic(topic, self._cluster)
        if found["error_code"] == InvalidTopicError.errno:
            raise InvalidArgument(f"'{topic}' can't be the name of a topic; write letters, digits, dots and dashes.")
        if found["error_code"]:
            raise for_code(found["error_code"])(topic)
        return len(found["partitions"])

    def _close(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()
