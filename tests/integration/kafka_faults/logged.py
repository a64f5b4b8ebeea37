"""What the event log holds of a deployment's predictions, before and after consumers leave out repetitions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import EventLog, topics


@dataclass(frozen=True)
class Logged:
    """Requests (id, rows) in the order of the log, each event once; and how much came more than once."""

    requests: list[tuple[str, int]]
    events: int
    repeated_events: int
    partitions: set[int]

    @property
    def ids(self) -> list[str]:
        """Return the request ids."""
        return [request_id for request_id, _ in self.requests]

    @property
    def rows(self) -> int:
        """Return the predicted rows."""
        return sum(rows for _, rows in self.requests)

    @property
    def repeated_requests(self) -> list[str]:
        """Return the ids that are there more than once though their events are not."""
        return [request_id for request_id, count in Counter(self.ids).items() if count > 1]


def logged(log: EventLog, deployment: str) -> Logged:
    """Read the log."""
    seen: set[str] = set()
    requests: list[tuple[str, int]] = []
    count, partitions = 0, set()
    for event in log.replay(topics.PREDICTIONS, key=deployment):
        count += 1
        partitions.add(event.partition)
        if event.id in seen:
            continue
        seen.add(event.id)
        requests += [(each.request_id, each.row_count) for each in event.unpack(events_pb2.PredictionBatch).requests]
    return Logged(requests, count, count - len(seen), partitions)


def out_of_order(ids: list[str]) -> list[str]:
    """Return the ids that come after a later one of the same caller ("caller-number")."""
    newest: dict[str, str] = {}
    late = []
    for each in ids:
        caller = each.partition("-")[0]
        if each < newest.get(caller, ""):
            late.append(each)
        newest[caller] = max(each, newest.get(caller, ""))
    return late
