"""An event log on Kafka that goes on while Kafka is away: what can't be published waits on local disk, in order.

While anything of a topic waits, new events of the topic wait behind it, so that the order of a key holds. An event
whose acknowledgement was lost may be in Kafka and in the spool: it then comes twice, with one id.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from google.protobuf.message import Message

from fairlead.kit.errors import Unavailable
from fairlead.kit.logging import get_logger

from ..cloud_events import Envelope, seal, trace_context
from ..dead_letters import put_aside
from ..kafka.event_log import CHUNK_EVENTS, KafkaEventLog
from ..kafka.records import record_of
from ..kafka.sizes import require_sizes
from ..port import Draft, Event, Position, Subscription
from .drainer import Drainer
from .limits import SpoolLimits
from .metrics import DROPPED, SPOOLED, TURNED_AWAY
from .queue import SpoolQueue

_LOGGER = get_logger(__name__)


class SpooledEventLog:
    """See fairlead.kit.events.EventLog. Reading is Kafka's: what waits here is not seen before it is there."""

    def __init__(self, log: KafkaEventLog, *, source: str, limits: SpoolLimits) -> None:
        self._log = log
        self._source = source
        self._limits = limits
        self._queue = SpoolQueue(limits)
        # Set while Kafka is known to be away: waiting for it again at each event would block publishers.
        self._away = threading.Event()
        self._full = threading.Event()
        self._drainer = Drainer(self._queue, limits.path, log.append, self._reached)
        self._drainer.start()

    def publish(self, topic: str, key: str, message: Message, *, id: str = "") -> None:
        """Publish one event; Kafka or the local disk has it when this returns.

        Raises Unavailable where the spool is full and events may not be dropped.
        """
        self.publish_many(topic, [Draft(key, message, id)])

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        """Publish events in order, all of them where this returns; raises as publish."""
        trace = trace_context()
        waiting = iter(drafts)
        while chunk := [seal(draft, self._source, trace) for draft in islice(waiting, CHUNK_EVENTS)]:
            self.append(topic, chunk)

    def append(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Publish events that were sealed already, in order; raises as publish."""
        if not self._must_wait(topic):
            try:
                self._log.append(topic, envelopes)
            except Unavailable as error:
                if not self._away.is_set():
                    self._away.set()
                    _LOGGER.warning("Kafka is away; events wait on local disk", error=error.message)
            else:
                return
        self._spool(topic, envelopes)

    def subscribe(self, topics: Sequence[str], group: str) -> Subscription:
        """Join a consumer group on Kafka; see KafkaEventLog.subscribe."""
        return self._log.subscribe(topics, group)

    def replay(
        self, topic: str, *, key: str | None = None, after: int = 0, since: datetime | None = None
    ) -> Iterator[Event]:
        """Return what Kafka keeps; see KafkaEventLog.replay."""
        return self._log.replay(topic, key=key, after=after, since=since)

    def end_position(self, topic: str, key: str) -> Position:
        """Return the end of a key's partition in Kafka."""
        return self._log.end_position(topic, key)

    def reject(self, event: Event, reason: str, group: str) -> None:
        """Publish an event that a group can't use on the topic's dead-letter topic; raises as publish."""
        put_aside(self.append, event, reason, group)

    def close(self) -> None:
        """Close the log; what waits is published by the next process that opens this spool."""
        self._drainer.close()
        self._log.close()
        self._queue.close()

    def _must_wait(self, topic: str) -> bool:
        waiting = self._queue.waiting()
        if not waiting:
            # Emptied, maybe by another process: Kafka is back.
            self._reached()
            return False
        return topic in waiting or self._away.is_set()

    def _reached(self) -> None:
        self._away.clear()
        self._full.clear()

    def _spool(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        # What Kafka would refuse later is refused now, while someone can be told.
        require_sizes(record_of(topic, envelope) for envelope in envelopes)
        try:
            dropped = self._queue.put(topic, envelopes)
        except Unavailable as error:
            TURNED_AWAY.labels(topic).inc(len(envelopes))
            self._tell_full("the spool is full; new events are refused", error=error.message)
            raise
        SPOOLED.labels(topic).inc(len(envelopes))
        for name, count in dropped.items():
            DROPPED.labels(name, "full").inc(count)
        if dropped:
            self._tell_full("the spool is full; the oldest events are dropped", path=str(self._limits.path))

    def _tell_full(self, sentence: str, **facts: str) -> None:
        if not self._full.is_set():
            self._full.set()
            _LOGGER.error(sentence, **facts)
