"""Sending a wave through a KafkaProducer and learning of each record whether it is in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.producer.future import FutureRecordMetadata

from fairlead.kit.errors import FairleadError

from .failures import failure_of
from .lanes import LANE_BYTES, Waiting
from .options import Cluster
from .sizes import MAX_BATCH_BYTES

# What is acknowledged is on all replicas in sync, once and in order. Said here whatever the client's defaults are: they
# differ between its releases.
GUARANTEES: Mapping[str, Any] = {
    "enable_idempotence": True,
    "acks": "all",
    "max_in_flight_requests_per_connection": 1,
}
REQUEST_TIMEOUT_MS = 3_000
DELIVERY_TIMEOUT_MS = 5_000
# A wave is flushed as soon as it is complete; until then nothing of it may leave.
LINGER_MS = 1_500
FLUSH_SECONDS = 6.0
_CLOSE_SECONDS = 1.0


def connect_producer(cluster: Cluster) -> KafkaProducer:
    """Return an idempotent producer; raises Unavailable where no broker answers."""
    try:
        return KafkaProducer(
            **cluster.client_config(),
            **GUARANTEES,
            compression_type="zstd",
            linger_ms=LINGER_MS,
            batch_size=2 * LANE_BYTES,
            max_request_size=MAX_BATCH_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
            max_block_ms=REQUEST_TIMEOUT_MS,
            retry_backoff_ms=50,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except (KafkaError, OSError) as error:
        raise failure_of(error, "the connection of a publisher", cluster) from error


def send_wave(producer: KafkaProducer, wave: Sequence[Waiting], cluster: Cluster) -> FairleadError | None:
    """Send records, wait until each is acknowledged or has failed, and tell their tickets; return the first error."""
    sent: list[tuple[Waiting, FutureRecordMetadata]] = []
    problem: BaseException | None = None
    try:
        for waiting in wave:
            future = _send(producer, waiting)
            sent.append((waiting, future))
        producer.flush(FLUSH_SECONDS)
    except (KafkaError, OSError, ValueError) as error:
        problem = error
    first: FairleadError | None = None
    for waiting, future in sent:
        if future.succeeded():
            waiting.ticket.acknowledge()
            continue
        reason = future.exception or problem or KafkaTimeoutError(f"no acknowledgement within {FLUSH_SECONDS:.0f} s")
        first = _fail(waiting, reason, cluster, first)
    for waiting in wave[len(sent) :]:
        first = _fail(waiting, problem or KafkaTimeoutError(), cluster, first)
    return first


def close_producer(producer: KafkaProducer) -> None:
    """Close a producer at once; what it has not sent yet it never will."""
    # close() would first wait for its batches, and gives up without closing where the broker is away.
    sender = producer._sender
    sender.force_close()
    sender.join(_CLOSE_SECONDS)
    try:
        producer.close(timeout=0)
    except KafkaError:
        # Its batches end as failed on its own thread, which was told to end.
        sender.wakeup()


def _send(producer: KafkaProducer, waiting: Waiting) -> FutureRecordMetadata:
    record = waiting.record
    return producer.send(
        record.topic,
        value=record.value,
        key=record.key,
        headers=record.headers,
        partition=waiting.partition,
        timestamp_ms=record.timestamp_ms,
    )


def _fail(waiting: Waiting, reason: BaseException, cluster: Cluster, first: FairleadError | None) -> FairleadError:
    error = failure_of(reason, f"an event for topic '{waiting.record.topic}'", cluster)
    waiting.ticket.fail(error)
    return first or error
