"""Publishing what waits in a spool, in order, as soon as Kafka takes it again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fairlead.kit.errors import FairleadError, InvalidArgument, Unavailable
from fairlead.kit.logging import get_logger

from ..cloud_events import Envelope
from .metrics import DROPPED, REFUSED, SPOOL_BYTES, SPOOL_EVENTS
from .queue import Spooled, SpoolQueue
from .turn import turn

LOOK_SECONDS = 0.5
PROBE_SECONDS = 1.0
REFUSED_SECONDS = 30.0
BATCH_EVENTS = 2_000
BATCH_BYTES = 4 * 1024 * 1024
_CLOSE_SECONDS = 15.0

_LOGGER = get_logger(__name__)


class Drainer:
    """Looks on a thread of its own whether anything waits; one process at a time publishes it."""

    def __init__(
        self,
        queue: SpoolQueue,
        path: Path,
        append: Callable[[str, Sequence[Envelope]], None],
        on_reached: Callable[[], None],
    ) -> None:
        """Take the queue at `path`, what publishes events, and what to call once that worked."""
        self._queue = queue
        self._lock_path = path.with_name(path.name + ".lock")
        self._append = append
        self._on_reached = on_reached
        self._closing = threading.Event()
        self._refused: dict[str, float] = {}
        self._behind = False
        self._thread = threading.Thread(target=self._run, name="spool-drainer", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what still waits is published by the next process that opens the spool."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._closing.wait(pause):
            pause = LOOK_SECONDS
            try:
                if self._open_topics():
                    with turn(self._lock_path) as ours:
                        pause = self._drain() if ours else LOOK_SECONDS
                self._tell()
            except Exception:
                # Whatever it was, nothing that waits may be left lying for good.
                _LOGGER.exception("emptying the spool failed; trying again", seconds=PROBE_SECONDS)
                pause = PROBE_SECONDS

    def _open_topics(self) -> list[str]:
        """Return the topics of which something waits, but those that were refused just now."""
        now = time.monotonic()
        return [topic for topic in self._queue.waiting() if self._refused.get(topic, 0.0) <= now]

    def _drain(self) -> float:
        """Publish until nothing waits or Kafka is away; return for how many seconds to pause then."""
        self._behind = True
        while topics := self._open_topics():
            for topic in topics:
                if self._closing.is_set():
                    return 0.0
                try:
                    self._publish(topic, self._queue.head(topic, BATCH_EVENTS, BATCH_BYTES))
                except Unavailable:
                    return PROBE_SECONDS
                except FairleadError as error:
                    self._refused[topic] = time.monotonic() + REFUSED_SECONDS
                    _LOGGER.error("events wait in the spool that Kafka refuses", topic=topic, error=error.message)
                self._tell()
        return LOOK_SECONDS

    def _publish(self, topic: str, batch: Sequence[Spooled]) -> None:
        if not batch:
            return
        try:
            self._append(topic, [spooled.envelope for spooled in batch])
        except InvalidArgument as error:
            if len(batch) > 1:
                for spooled in batch:
                    self._publish(topic, [spooled])
                return
            # It would be refused each time, and all behind it would wait for ever.
            self._set_aside(batch[0], error.message)
        else:
            self._queue.remove([spooled.sequence for spooled in batch])
        self._on_reached()

    def _set_aside(self, spooled: Spooled, reason: str) -> None:
        given_up = self._queue.set_aside(spooled.sequence, reason)
        REFUSED.labels(spooled.topic).inc()
        DROPPED.labels(spooled.topic, "refused").inc(given_up)
        _LOGGER.error(
            "Kafka refused an event that waited in the spool; it is kept in the spool's table `refused`",
            topic=spooled.topic,
            id=spooled.envelope.id,
            error=reason,
            older_ones_given_up=given_up,
        )

    def _tell(self) -> None:
        events, size = self._queue.size()
        SPOOL_EVENTS.set(events)
        SPOOL_BYTES.set(size)
        if self._behind and not events:
            self._behind = False
            _LOGGER.info("the spool is empty: all events that waited for Kafka are published")
