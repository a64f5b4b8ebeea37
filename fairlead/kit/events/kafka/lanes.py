"""What waits to be sent, in a lane for each partition.

A wave takes from each lane at most what fits one batch. So a partition never has two batches on their way of which the
first could fail and the second pass, and the order of a key holds whatever happens.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .records import Record
from .ticket import Ticket

# Below Kafka's default limit of 1 MiB for a batch, with room for its overhead.
LANE_BYTES = 512 * 1024
WAVE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record, the partition it goes to and who waits for it."""

    record: Record
    partition: int
    ticket: Ticket


class Lanes:
    """The lanes; used by the sending thread only."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, int], deque[Waiting]] = {}

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, waiting: Waiting) -> None:
        """Put a record behind those of its partition."""
        self._lanes.setdefault((waiting.record.topic, waiting.partition), deque()).append(waiting)

    def take_wave(self) -> list[Waiting]:
        """Take the next wave: of each lane what fits a batch, leaving out what nobody waits for any more."""
        wave: list[Waiting] = []
        taken = 0
        for place in list(self._lanes):
            if taken >= WAVE_BYTES:
                break
            lane = self._lanes.pop(place)
            found, size = _head_of(lane)
            wave += found
            taken += size
            if lane:
                # Behind the others, so that a busy partition does not keep them waiting.
                self._lanes[place] = lane
        return wave

    def clear(self) -> list[Ticket]:
        """Empty all lanes and return whose records were in them."""
        tickets = {id(waiting.ticket): waiting.ticket for lane in self._lanes.values() for waiting in lane}
        self._lanes = {}
        return list(tickets.values())


def _head_of(lane: deque[Waiting]) -> tuple[list[Waiting], int]:
    found: list[Waiting] = []
    size = 0
    while lane and (not found or size + lane[0].record.size <= LANE_BYTES):
        waiting = lane.popleft()
        if not waiting.ticket.done:
            found.append(waiting)
            size += waiting.record.size
    return found, size
