"""One member's hold on one topic: its lease, how far it has read, and how far it has committed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from fairlead.kit.logging import get_logger

from ..consumer_metrics import ConsumerMetrics
from ..port import Event
from . import leases
from .connections import Connections, snapshot
from .reading import read_page
from .topic_table import find_topic

_LOGGER = get_logger(__name__)


class Claim:
    """Reads a topic for a group while `member` holds the lease; used under the subscription's lock."""

    def __init__(self, connections: Connections, topic: str, group: str, member: str) -> None:
        self._connections = connections
        self._topic = topic
        self._group = group
        self._member = member
        self._position = 0
        self._committed = 0
        self._metrics = ConsumerMetrics(group, topic)
        self.held = False

    @property
    def uncommitted(self) -> bool:
        """Return whether events were read that are not committed, as far as this member knows."""
        return self._position != self._committed

    def next_events(self, connection: sqlite3.Connection, limit: int) -> list[Event]:
        """Return the topic's next events; [] where there are none or another member holds the lease.

        The same ones come again until `advance`.
        """
        if not self.held:
            self._try_acquire(connection)
        if not self.held:
            return []
        self._metrics.asked()
        # The lease is checked in the very state that the events are read from.
        with snapshot(connection):
            row = leases.find_group(connection, self._group, self._topic)
            bounds = find_topic(connection, self._topic)
            if row is None or bounds is None or not row.held_by(self._member, time.time()):
                self.held = False
                # Whoever holds it now tells of it.
                self._metrics.waiting(0)
                return []
            self._skip_trimmed(bounds.first_offset)
            self._metrics.waiting(max(0, bounds.end_offset - self._position))
            if bounds.end_offset <= self._position:
                return []
            return read_page(
                connection,
                self._topic,
                bounds.topic_id,
                after=self._position,
                until=bounds.end_offset,
                limit=limit,
            )

    def advance(self, events: Sequence[Event]) -> None:
        """Take note that the consumer has got these events."""
        self._position = events[-1].offset
        self._metrics.given(len(events))

    def store(self, connection: sqlite3.Connection) -> bool:
        """Write what was read as done, in the caller's transaction; False where the lease is another's."""
        return leases.store_offset(connection, self._group, self._topic, self._member, self._position, time.time())

    def settle(self, stored: bool) -> None:
        """Take note of how `store` went, once its transaction is committed."""
        if stored:
            self._committed = self._position
            return
        self.held = False
        self._position = self._committed
        _LOGGER.warning(
            "a consumer lost its lease; what it did not commit is delivered again",
            group=self._group,
            topic=self._topic,
        )

    def _try_acquire(self, connection: sqlite3.Connection) -> None:
        row = leases.find_group(connection, self._group, self._topic)
        if row is not None and not row.free_for(self._member, time.time()):
            return
        before = self._connections.write(
            lambda writing: leases.acquire(writing, self._group, self._topic, self._member, time.time())
        )
        if before is None:
            return
        if before.owner != self._member:
            # Whoever had it since may have got the events that this member read and did not commit.
            self._position = self._committed = before.committed_offset
        self.held = True

    def _skip_trimmed(self, first_offset: int) -> None:
        lost = first_offset - 1 - self._position
        if lost > 0:
            _LOGGER.warning(
                "a slow consumer group lost events to retention", group=self._group, topic=self._topic, count=lost
            )
            self._position = first_offset - 1
