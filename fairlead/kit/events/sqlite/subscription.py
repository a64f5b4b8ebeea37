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
from types import TracebackType
from typing import Self

from fairlead.kit.errors import FailedPrecondition, FairleadError, InvalidArgument
from fairlead.kit.logging import get_logger

from ..port import Event
from . import leases
from .claim import Claim
from .connections import Connections
from .waiting import data_version, wait_for_commit

# A lease that ran out shows in no commit, so idle members look again this often.
LOOK_AGAIN_SECONDS = 0.5
# A consumer that never comes back to poll (it hangs, its thread died) keeps its lease this long.
LONGEST_WORK_SECONDS = 300.0

_LOGGER = get_logger(__name__)


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
        self._group = group
        self._on_close = on_close
        self._pid = os.getpid()
        self._member = f"{self._pid}-{uuid.uuid4().hex}"
        self._claims = tuple(Claim(connections, topic, group, self._member) for topic in dict.fromkeys(topics))
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._polled_at = time.monotonic()
        self._let_go = False

    def poll(self, max_events: int = 500, timeout: float = 1.0) -> list[Event]:
        """Return up to `max_events` next events, or [] after `timeout` seconds or when closed meanwhile.

        A topic gives at most some 32 MiB of payload at once. The first topic in the list is another one each time.
        Raises FailedPrecondition once closed, Unavailable where the log stays locked.
        """
        if max_events < 1:
            raise InvalidArgument("max_events must be 1 or more.")
        with self._lock:
            self._require_usable()
            self._let_go = False
            deadline = time.monotonic() + timeout
            with self._connections.connection() as connection:
                while not self._closing.is_set():
                    self._polled_at = time.monotonic()
                    # Taken before looking, so that a commit in between ends the wait at once.
                    seen = data_version(connection)
                    events = self._next_events(connection, max_events)
                    if events or self._polled_at >= deadline:
                        return events
                    look_again = min(deadline, self._polled_at + LOOK_AGAIN_SECONDS)
                    wait_for_commit(connection, seen, look_again, self._closing)
            return []

    def commit(self) -> None:
        """Store that everything polled so far is done; without effect on topics whose lease was lost meanwhile."""
        with self._lock:
            self._require_usable()
            self._polled_at = time.monotonic()
            pending = [claim for claim in self._claims if claim.uncommitted]
            if pending:
                stored = self._connections.write(lambda connection: [claim.store(connection) for claim in pending])
                for claim, kept in zip(pending, stored, strict=True):
                    claim.settle(kept)

    def renew_leases(self) -> None:
        """Put off the expiry of this member's leases, unless its consumer has not come back for very long."""
        idle = time.monotonic() - self._polled_at
        if idle <= LONGEST_WORK_SECONDS:
            if any(claim.held for claim in self._claims):
                self._connections.write(lambda connection: leases.renew(connection, self._member, time.time()))
        elif not self._let_go:
            self._let_go = True
            _LOGGER.warning("a consumer does not poll; its leases run out", group=self._group, seconds=round(idle))

    def close(self) -> None:
        """Leave the group at once; what was not committed goes to the next member. Closing again does nothing."""
        already = self._closing.is_set()
        self._closing.set()
        if already or self._pid != os.getpid():
            return
        self._on_close(self)
        with self._lock:
            try:
                self._connections.write(lambda connection: leases.release(connection, self._member))
            except FairleadError as error:
                _LOGGER.warning(
                    "a consumer left without releasing its leases; they run out in seconds",
                    group=self._group,
                    error=error.message,
                )

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
        read: list[tuple[Claim, list[Event]]] = []
        for claim in self._claims:
            if len(events) < max_events:
                found = claim.next_events(connection, max_events - len(events))
                events += found
                read += [(claim, found)] if found else []
        # Only now, when no error can keep the events from the consumer: a commit would pass over them otherwise.
        for claim, found in read:
            claim.advance(found)
        if events:
            # A busy topic must not keep the others waiting.
            self._claims = (*self._claims[1:], self._claims[0])
        return events
