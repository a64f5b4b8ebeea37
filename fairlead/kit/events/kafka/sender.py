"""Group commit: the calls of many threads leave together, in waves, each acknowledged before the next one leaves.

kafka-python bounds neither the bytes nor the number of records that it holds while no broker answers, so both are
bounded here: a call waits for room, and for its acknowledgement, for seconds only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from kafka import KafkaProducer

from fairlead.kit.errors import FailedPrecondition, FairleadError, Unavailable
from fairlead.kit.logging import get_logger

from .failures import RETRY_SECONDS
from .lanes import Lanes, Waiting
from .options import Cluster
from .partitions import PartitionTable
from .producing import close_producer, connect_producer, send_wave
from .records import Record
from .sizes import require_sizes
from .ticket import Ticket

MAX_WAITING_BYTES = 64 * 1024 * 1024
MAX_WAITING_RECORDS = 50_000
PATIENCE_SECONDS = 10.0
_CLOSE_SECONDS = 10.0

_LOGGER = get_logger(__name__)


class Sender:
    """Sends records on a thread of its own; for many threads."""

    def __init__(self, cluster: Cluster, partitions: PartitionTable) -> None:
        self._cluster = cluster
        self._partitions = partitions
        self._changed = threading.Condition()
        self._inbox: list[Ticket] = []
        self._waiting_bytes = 0
        self._waiting_records = 0
        self._closed = False
        self._lanes = Lanes()
        self._producer: KafkaProducer | None = None
        self._thread: threading.Thread | None = None

    def send(self, records: Sequence[Record]) -> None:
        """Return once all records are acknowledged by all replicas in sync.

        Raises Unavailable after some seconds (what was sent by then may be in the log or come to it), InvalidArgument
        on a record over the limit, FailedPrecondition where the topic is missing.
        """
        if not records:
            return
        require_sizes(records)
        ticket = Ticket(records)
        deadline = time.monotonic() + PATIENCE_SECONDS
        self._enqueue(ticket, deadline)
        try:
            if not ticket.wait(max(0.0, deadline - time.monotonic())):
                ticket.fail(self._too_slow())
        finally:
            with self._changed:
                self._waiting_bytes -= ticket.size
                self._waiting_records -= len(records)
                self._changed.notify_all()
        if ticket.error is not None:
            raise ticket.error

    def close(self) -> None:
        """Send what waits, then end the thread and the connection."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def _enqueue(self, ticket: Ticket, deadline: float) -> None:
        with self._changed:
            while not self._closed and self._is_full(ticket):
                if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise self._too_slow()
            if self._closed:
                raise FailedPrecondition("The event log is closed; open it again.")
            self._waiting_bytes += ticket.size
            self._waiting_records += len(ticket.records)
            self._inbox.append(ticket)
            if self._thread is None or not self._thread.is_alive():
                # Whatever ended the one before: without a thread each call would wait in vain, for ever.
                self._thread = threading.Thread(target=self._run, name="kafka-sender", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _is_full(self, ticket: Ticket) -> bool:
        if not self._waiting_records:
            return False
        too_many = self._waiting_records + len(ticket.records) > MAX_WAITING_RECORDS
        return too_many or self._waiting_bytes + ticket.size > MAX_WAITING_BYTES

    def _too_slow(self) -> Unavailable:
        return Unavailable(
            f"Kafka at {self._cluster} did not acknowledge an event within {PATIENCE_SECONDS:.0f} s; "
            "see that a broker runs there, and try again.",
            retry_after=RETRY_SECONDS,
        )

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._inbox or self._lanes or self._closed):
                    self._changed.wait()
                inbox, self._inbox = self._inbox, []
                if not inbox and not self._lanes:
                    break
            away: Unavailable | None = None
            for ticket in inbox:
                away = self._route(ticket) if away is None else _fail(ticket, away)
            wave = self._lanes.take_wave()
            if wave:
                self._send_wave(wave)
        self._drop_producer()

    def _route(self, ticket: Ticket) -> Unavailable | None:
        """Put a call's records on their lanes; return the error where the brokers are away."""
        try:
            partitions = [self._partitions.of(record.topic, record.key) for record in ticket.records]
        except Exception as error:  # noqa: BLE001 - the caller must hear of it, and the thread must go on
            failure = error if isinstance(error, FairleadError) else _unexpected(error)
            ticket.fail(failure)
            return failure if isinstance(failure, Unavailable) else None
        for record, partition in zip(ticket.records, partitions, strict=True):
            self._lanes.add(Waiting(record, partition, ticket))
        return None

    def _send_wave(self, wave: list[Waiting]) -> None:
        try:
            if self._producer is None:
                self._producer = connect_producer(self._cluster)
            error = send_wave(self._producer, wave, self._cluster)
        except Exception as failure:  # noqa: BLE001 - the callers must hear of it, and the thread must go on
            error = failure if isinstance(failure, FairleadError) else _unexpected(failure)
            for waiting in wave:
                waiting.ticket.fail(error)
        if error is None:
            return
        for topic in {waiting.record.topic for waiting in wave}:
            self._partitions.forget(topic)
        # A new producer begins with clean sequence numbers.
        self._drop_producer()
        if isinstance(error, Unavailable):
            self._fail_all(error)

    def _fail_all(self, error: FairleadError) -> None:
        """Fail whoever waits: with the brokers away, each would only wait in vain in its turn."""
        with self._changed:
            inbox, self._inbox = self._inbox, []
        for ticket in (*self._lanes.clear(), *inbox):
            ticket.fail(error)

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            close_producer(producer)
        except Exception:
            # It is given up anyway, and the thread must go on.
            _LOGGER.exception("a publisher's connection could not be closed in order")


def _fail(ticket: Ticket, error: Unavailable) -> Unavailable:
    ticket.fail(error)
    return error


def _unexpected(error: Exception) -> Unavailable:
    return Unavailable(f"Publishing to Kafka failed: {type(error).__name__}: {error}.", retry_after=RETRY_SECONDS)
