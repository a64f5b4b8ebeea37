"""A member of a consumer group on Kafka, of one topic or of several."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from fairlead.kit.errors import FailedPrecondition, FairleadError, InvalidArgument

from ..port import Event
from .member import Member
from .options import Cluster
from .partitions import PartitionTable

STALL_SECONDS = 30.0
# While a member waits, it looks this often whether it was closed, and whether another topic has something.
_SLICE_SECONDS = 0.25
_TURN_SECONDS = 0.05
# A poll that may not wait gets what is at hand.
_AT_HAND_SECONDS = 0.02


class KafkaSubscription:
    """See fairlead.kit.events.Subscription. Threads may share one; it joins the group at the first poll."""

    def __init__(
        self,
        cluster: Cluster,
        partitions: PartitionTable,
        topics: Sequence[str],
        group: str,
        on_close: Callable[[KafkaSubscription], None],
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._group = group
        self._on_close = on_close
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.members = [Member(cluster, partitions, topic, group, stall_seconds) for topic in dict.fromkeys(topics)]

    def poll(self, max_events: int = 500, timeout: float = 1.0) -> list[Event]:
        """Return up to `max_events` next events, or [] after `timeout` seconds or when closed meanwhile.

        The first topic is another one each time. While no broker answers nothing comes. Raises FailedPrecondition
        once closed or where a topic is missing, Unavailable where there was no connection yet and none comes about,
        PermissionDenied.
        """
        if max_events < 1:
            raise InvalidArgument("max_events must be 1 or more.")
        with self._lock:
            self._require_usable()
            deadline = time.monotonic() + timeout
            while not self._closing.is_set():
                events = self._round(max_events, deadline)
                if events or time.monotonic() >= deadline:
                    return events
            return []

    def commit(self) -> None:
        """Store that everything polled so far is done; without effect on partitions that went to another member."""
        with self._lock:
            self._require_usable()
            for member in self.members:
                member.commit()

    def close(self) -> None:
        """Leave the group at once; what was not committed goes to the next member. Closing again does nothing."""
        already = self._closing.is_set()
        self._closing.set()
        if already or self._pid != os.getpid():
            return
        self._on_close(self)
        with self._lock:
            for member in self.members:
                member.leave()

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

    def _round(self, max_events: int, deadline: float) -> list[Event]:
        """Ask each topic once; wait at none of them once there is something."""
        longest = _SLICE_SECONDS if len(self.members) == 1 else _TURN_SECONDS
        events: list[Event] = []
        for member in list(self.members):
            left = _AT_HAND_SECONDS if events else max(deadline - time.monotonic(), _AT_HAND_SECONDS)
            try:
                events += member.poll(max_events - len(events), min(longest, left))
            except FairleadError:
                # What is handed out already must reach the consumer; a failure that lasts comes again.
                if not events:
                    raise
            if len(events) >= max_events:
                break
        if events:
            # A busy topic must not keep the others waiting.
            self.members = [*self.members[1:], self.members[0]]
        return events
