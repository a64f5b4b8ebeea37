"""One background thread a log that keeps its subscriptions' leases alive while their consumers work on a poll."""

from __future__ import annotations

import threading
import weakref

from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger

from .leases import LEASE_SECONDS
from .subscription import SqliteSubscription

BEAT_SECONDS = LEASE_SECONDS / 3

_LOGGER = get_logger(__name__)


class Heartbeat:
    """Calls `renew_leases` of each member every BEAT_SECONDS, from the first member on until closed."""

    def __init__(self) -> None:
        self._members: weakref.WeakSet[SqliteSubscription] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, member: SqliteSubscription) -> None:
        """Keep this member's leases alive until it is removed or forgotten."""
        with self._guard:
            self._members.add(member)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="event-log-heartbeat", daemon=True)
                self._thread.start()

    def remove(self, member: SqliteSubscription) -> None:
        """Let this member's leases run out."""
        with self._guard:
            self._members.discard(member)

    def members(self) -> list[SqliteSubscription]:
        """Return the subscriptions that are open now."""
        with self._guard:
            return list(self._members)

    def close(self) -> None:
        """Stop the thread and wait for its end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            for member in self.members():
                try:
                    member.renew_leases()
                except FairleadError as error:
                    # The lease may run out; the member finds that at its next poll and takes it again.
                    _LOGGER.warning("a consumer group's lease could not be renewed", error=error.message)
