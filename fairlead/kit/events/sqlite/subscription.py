"""A member of a consumer group on the embedded log.

A topic's events go to the member that holds the topic's lease; the lease is looked at in the same snapshot as the
events, so two live members never get the same event. A member that was stopped for longer than a lease may still be
working on events that another got since: its commit then has no effect.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from fairlead.kit.logging import get_logger

from ..port import Event
from . import leases
from .connections import Connections
from .reading import read_page
from .topic_table import find_topic
from .waiting import data_version, wait_for_commit

# A lease that ran out shows in no commit, so idle members look again this often.
LOOK_AGAIN_SECONDS = 0.5
# A consumer that never comes back to poll (it hangs, its thread died) keeps its lease this long.
LONGEST_WORK_SECONDS = 300.0

_LOGGER = get_logger(__name__)


@dataclass
class _Claim:
    """Where this member is on a topic; `position` is None while it does not hold the lease."""

    topic: str
    position: int | None = None
    committed: int = 0


class SqliteSubscription:
    """See fairlead.kit.events.Subscription. Threads may share one; it does not survive a fork."""

    def __init__(
        self,
        connections: Connections,
        topics: Sequence[str],
        group: str,
        on_close: Callable[[SqliteSubscription], None],
    ) -> None:
        self._connections = connections
        self._claims = [_Claim(topic) for topic in dict.fromkeys(topics)]
        self._group = group
        self._on_close = on_close
        self._pid = os.getpid()
        self._member = f"{self._pid}-{uuid.uuid4().hex}"
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._polled_at = time.monotonic()

    def poll(self, max_events: int = 500, timeout: float = 1.0) -> list[Event]:
        """Return up to `max_events` next events, or [] after `timeout` seconds or when closed meanwhile.

        At most some 32 MiB of payload come at once. The first topic with events is another one each time.
        Raises FailedPrecondition once closed, Unavailable where the log stays locked.
        """
        if max_events < 1:
            raise InvalidArgument("max_events must be 1 or more.")
        with self._lock:
            self._require_usable()
            deadline = time.monotonic() + timeout
            with self._connections.connection() as connection:
                while not self._closing.is_set():
                    self._polled_at = time.monotonic()
                    seen = data_version(connection)
                    events = self._next_events(connection, max_events)
                    if events or self._polled_at >= deadline:
                        return events
                    wait_for_commit(
                        connection, seen, min(deadline, self._polled_at + LOOK_AGAIN_SECONDS), self._closing
                    )
            return []

    def commit(self) -> None:
        """Store that everything polled so far is done; without effect on topics whose lease was lost meanwhile."""
        with self._lock:
            self._require_usable()
            self._polled_at = time.monotonic()
            pending = [(c, c.position) for c in self._claims if c.position is not None and c.position != c.committed]
            if not pending:
                return
            now = time.time()

            def store(connection: sqlite3.Connection) -> list[bool]:
                return [
                    leases.store_offset(connection, self._group, claim.topic, self._member, position, now)
                    for claim, position in pending
                ]

            for (claim, position), stored in zip(pending, self._connections.write(store), strict=True):
                if stored:
                    claim.committed = position
                else:
                    self._lose(claim)

    def renew_leases(self) -> None:
        """Put off the expiry of this member's leases, unless its consumer has not come back for very long."""
        idle = time.monotonic() - self._polled_at
        if idle > LONGEST_WORK_SECONDS:
            _LOGGER.warning("a consumer does not poll; its lease is let go", group=self._group, seconds=round(idle))
            return
        if any(claim.position is not None for claim in self._claims):
            self._connections.write(lambda connection: leases.renew(connection, self._member, time.time()))

    def close(self) -> None:
        """Leave the group at once; what was not committed goes to the next member. Closing again does nothing."""
        self._closing.set()
        with self._lock:
            if self._pid != os.getpid() or not self._claims:
                return
            self._claims = []
            self._on_close(self)
            self._connections.write(lambda connection: leases.release(connection, self._member))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_usable(self) -> None:
        if self._closing.is_set():
            raise FailedPrecondition(f"The subscription of group '{self._group}' is closed; subscribe again.")
        if self._pid != os.getpid():
            raise FailedPrecondition("A subscription can't be used in a forked child; subscribe there again.")

    def _next_events(self, connection: sqlite3.Connection, max_events: int) -> list[Event]:
        """Return what there is now on the topics this member holds, taking free leases first."""
        events: list[Event] = []
        for claim in self._claims:
            if claim.position is None:
                self._try_acquire(connection, claim)
            if claim.position is not None and len(events) < max_events:
                events += self._read(connection, claim, max_events - len(events))
        if events:
            self._claims.append(self._claims.pop(0))
        return events

    def _try_acquire(self, connection: sqlite3.Connection, claim: _Claim) -> None:
        now = time.time()
        row = leases.find_group(connection, self._group, claim.topic)
        if row is not None and not row.free_for(self._member, now):
            return
        before = self._connections.write(
            lambda writing: leases.acquire(writing, self._group, claim.topic, self._member, now)
        )
        if before is not None:
            claim.position = claim.committed = before.committed_offset

    def _read(self, connection: sqlite3.Connection, claim: _Claim, limit: int) -> list[Event]:
        """Return the topic's next events if the lease is this member's in the very state they are read from."""
        connection.execute("BEGIN")
        try:
            row = leases.find_group(connection, self._group, claim.topic)
            bounds = find_topic(connection, claim.topic)
            if row is None or bounds is None or not row.held_by(self._member, time.time()):
                self._lose(claim)
                return []
            position = self._skip_trimmed(claim, bounds.first_offset)
            if bounds.end_offset <= position:
                return []
            events = read_page(
                connection, claim.topic, bounds.topic_id, after=position, until=bounds.end_offset, limit=limit, key=None
            )
        finally:
            connection.execute("COMMIT")
        claim.position = events[-1].offset
        return events

    def _skip_trimmed(self, claim: _Claim, first_offset: int) -> int:
        assert claim.position is not None
        lost = first_offset - 1 - claim.position
        if lost > 0:
            _LOGGER.warning(
                "a slow consumer group lost events to retention", group=self._group, topic=claim.topic, count=lost
            )
            claim.position = first_offset - 1
        return claim.position

    def _lose(self, claim: _Claim) -> None:
        _LOGGER.warning("a consumer lost its lease; what it did not commit is delivered again", group=self._group)
        claim.position = None
