"""The loop that follows the event log, and begins again after every failure where the last commit was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event as Flag
from threading import Thread

from sqlalchemy.exc import DataError, SQLAlchemyError

from fairlead.kit.errors import FairleadError
from fairlead.kit.events import Event, EventLog, Subscription, topics
from fairlead.kit.logging import get_logger

from .adapters.metrics import Metrics
from .intake import GROUP, Intake

POLL_EVENTS = 500
POLL_SECONDS = 0.5
# Events of one transaction: others that want to write wait for its end.
CHUNK_BYTES = 1024 * 1024
# Failures that are not the events' own.
PASSING = (FairleadError, SQLAlchemyError, OSError, MemoryError)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0

_log = get_logger("fairlead.drift.consumer")


class Consumer:
    """Follows deployments and traffic in one thread, deployments first."""

    def __init__(self, events: EventLog, intake: Intake, metrics: Metrics) -> None:
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
                self._intake.publish_alerts()
                with (
                    self._events.subscribe([topics.DEPLOYMENTS], GROUP) as deployments,
                    self._events.subscribe([topics.PREDICTIONS, topics.FEEDBACK, topics.ALERTS], GROUP) as traffic,
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
                self._take(self._intake.take_traffic, chunk)
            traffic.commit()

    def _drain(self, deployments: Subscription) -> None:
        while events := deployments.poll(POLL_EVENTS, 0):
            self._take(self._intake.take_deployments, events)
            deployments.commit()

    def _take(self, take: Callable[[Sequence[Event]], None], events: Sequence[Event]) -> None:
        """Take events, or find those among them that nobody foresaw and reject them, so that they hold up no others.

        Raises what may pass by itself: the event log, the database or another service is away.
        """
        try:
            take(events)
            return
        except DataError as error:
            broken: Exception = error
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one event brings about, the others are to be taken
            broken = error
        if len(events) > 1:
            for event in events:
                self._take(take, [event])
            return
        _log.error("an event could not be taken", exc_info=broken)
        # What the database said, without the statement and its values, which are the event once more.
        said = broken.orig if isinstance(broken, DataError) else broken
        self._intake.reject(events[0], f"{type(broken).__name__}: {said}")

    def _wait(self, pause: float) -> float:
        self._metrics.failed()
        self._closing.wait(pause)
        return min(pause * 2, LONGEST_PAUSE_SECONDS)


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
