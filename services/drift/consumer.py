"""The loop that follows the event log, and begins again after every failure where the last commit was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event as Flag
from threading import Thread

from sqlalchemy import Engine

from fairlead.kit.errors import FairleadError
from fairlead.kit.events import Event, EventLog, Subscription, topics
from fairlead.kit.logging import get_logger

from .adapters import consumed_store
from .adapters.metrics import Metrics
from .intake import Intake

GROUP = "drift"
POLL_EVENTS = 500
POLL_SECONDS = 0.5
# Events of one transaction: others that want to write wait for its end.
CHUNK_BYTES = 1024 * 1024
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0

_log = get_logger("fairlead.drift.consumer")


class Consumer:
    """Follows deployments and traffic in one thread, deployments first."""

    def __init__(self, engine: Engine, events: EventLog, intake: Intake, metrics: Metrics) -> None:
        self._engine = engine
        self._events = events
        self._intake = intake
        self._metrics = metrics
        self._closing = Flag()
        self._thread = Thread(target=self._run, name="drift-consumer", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """End once the events at hand are taken; the rest comes after the next start."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closing.is_set():
            try:
                self._forget_replaced_log()
                self._intake.publish_alerts()
                with (
                    self._events.subscribe([topics.DEPLOYMENTS], GROUP) as deployments,
                    self._events.subscribe([topics.PREDICTIONS, topics.FEEDBACK], GROUP) as traffic,
                ):
                    while not self._closing.is_set():
                        self._step(deployments, traffic)
                        pause = FIRST_PAUSE_SECONDS
            except FairleadError as error:
                _log.warning("consuming waits and begins again", error=error.message, seconds=pause)
                pause = self._wait(pause)
            except Exception:  # noqa: BLE001 - the thread must outlive anything; it is logged and counted
                _log.exception("consuming failed; it begins again", seconds=pause)
                pause = self._wait(pause)

    def _step(self, deployments: Subscription, traffic: Subscription) -> None:
        self._drain(deployments)
        events = traffic.poll(POLL_EVENTS, POLL_SECONDS)
        if events:
            # What serving tells of a deployment is published before most of its predictions.
            self._drain(deployments)
            for chunk in _chunks(events):
                self._intake.take_traffic(chunk)
            traffic.commit()

    def _drain(self, deployments: Subscription) -> None:
        while events := deployments.poll(POLL_EVENTS, 0):
            self._intake.take_deployments(events)
            deployments.commit()

    def _wait(self, pause: float) -> float:
        self._metrics.failed()
        self._closing.wait(pause)
        return min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _forget_replaced_log(self) -> None:
        for topic in (topics.DEPLOYMENTS, topics.PREDICTIONS, topics.FEEDBACK):
            end = self._events.end_offset(topic)
            with self._engine.begin() as connection:
                forgotten = consumed_store.forget_beyond(connection, topic, end)
            if forgotten:
                _log.warning("the event log was replaced by a shorter one", topic=topic, end=end)


def _chunks(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Return the events in order, in lists of some CHUNK_BYTES of payload."""
    chunk: list[Event] = []
    size = 0
    for event in events:
        chunk.append(event)
        size += len(event.payload)
        if size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
