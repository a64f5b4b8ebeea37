"""Telling a consumer that is stuck from one that is idle or slow.

kafka-python has been seen to stop fetching from a partition without a word. A partition stalls where it has events to
come, and the consumer polls and gets nowhere, for some time.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

BUSY_SHARE = 0.25

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True)
class Progress:
    """How far a consumer is in a partition, and where the partition ends: both the offset that comes next."""

    position: int
    end: int


@dataclass(frozen=True)
class _Standing:
    position: int
    seconds: float


class StallDetector(Generic[P]):
    """Adds up how long each partition did not move although it could."""

    def __init__(self, patience: float, longest_step: float) -> None:
        """Take the seconds after which a partition counts as stalled.

        Between two looks at most `longest_step` seconds count: what is more, the consumer spent on other work.
        """
        self._patience = patience
        self._longest_step = longest_step
        self._standing: dict[P, _Standing] = {}
        self._looked_at: float | None = None

    def look(self, progress: Mapping[P, Progress], now: float, busy: bool = False) -> list[P]:
        """Return the partitions that are stalled, given where the consumer is at the monotonic time `now`.

        `busy` says that events of any partition came since the last look. Such time counts a quarter: the turn of the
        others may just not have come, and yet one may be stuck for good among busy ones.
        """
        step = 0.0 if self._looked_at is None else min(max(0.0, now - self._looked_at), self._longest_step)
        step *= BUSY_SHARE if busy else 1.0
        self._looked_at = now
        standing: dict[P, _Standing] = {}
        for partition, found in progress.items():
            if found.end <= found.position:
                continue
            before = self._standing.get(partition)
            stood = before is not None and before.position == found.position
            standing[partition] = _Standing(found.position, before.seconds + step if before and stood else 0.0)
        self._standing = standing
        return [partition for partition, found in standing.items() if found.seconds >= self._patience]

    def reset(self) -> None:
        """Forget all: the consumer is another one now."""
        self._standing = {}
        self._looked_at = None
