"""KafkaConsumers as Fairlead makes them."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from fairlead.kit.logging import get_logger

from .failures import failure_of
from .options import Cluster

# A member that died is noticed after this long; Kafka's own 45 s would leave its events lying.
SESSION_TIMEOUT_MS = 10_000
HEARTBEAT_INTERVAL_MS = 2_000
MAX_POLL_INTERVAL_MS = 300_000
FETCH_MAX_BYTES = 16 * 1024 * 1024
FETCH_MAX_WAIT_MS = 250
CLOSE_TIMEOUT_MS = 3_000

_LOGGER = get_logger(__name__)


def connect_consumer(cluster: Cluster, group: str | None, **config: Any) -> KafkaConsumer:
    """Return a consumer that commits nothing by itself; raises Unavailable where no broker answers.

    A group that never committed, or whose place is no longer kept, begins at the oldest record. Records of
    transactions that were given up are left out.
    """
    try:
        return KafkaConsumer(
            **cluster.client_config(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            fetch_max_bytes=FETCH_MAX_BYTES,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            metrics_enabled=False,
            **config,
        )
    except (KafkaError, OSError) as error:
        raise failure_of(error, "the connection of a consumer", cluster) from error


def close_consumer(consumer: KafkaConsumer) -> None:
    """Leave the group and close the connection, within seconds also where no broker answers."""
    try:
        consumer.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
    except (KafkaError, OSError) as error:
        _LOGGER.warning("a consumer left its group without telling; its place is free in seconds", error=str(error))
