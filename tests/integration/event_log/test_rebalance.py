"""Members of a group that come and go."""

from __future__ import annotations

import threading
import time

from fairlead.kit.events import Event, EventLog
from tests.waiting import until

from .reading import PATIENCE_SECONDS, numbers, spread
from .stores import Store


class Member:
    """A member of a group with a log and a thread of its own; it commits what it has handled."""

    def __init__(self, store: Store, topic: str, handled: Handled) -> None:
        self.events: list[Event] = []
        self._log: EventLog = store.open()
        self._subscription = self._log.subscribe([topic], "g-" + topic)
        self._handled = handled
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        self._leaving.set()
        self._thread.join()

    def since(self, number: int) -> list[Event]:
        """Return what came of the numbers from this one on."""
        return [event for event in list(self.events) if int(*numbers([event])) >= number]

    def _run(self) -> None:
        with self._subscription as subscription:
            while not self._leaving.is_set():
                events = subscription.poll(timeout=0.2)
                self._handled.add(events)
                self.events += events
                subscription.commit()


class Handled:
    """What all members handled, in the order in which they did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def add(self, events: list[Event]) -> None:
        with self._lock:
            self._events += events

    def has(self, wanted: range) -> bool:
        with self._lock:
            return set(wanted) <= set(numbers(self._events))

    def first_times(self) -> dict[str, list[int]]:
        """Return the numbers of each key, each where it came first."""
        found: dict[str, dict[int, None]] = {}
        with self._lock:
            for event in self._events:
                found.setdefault(event.key, {}).setdefault(int(*numbers([event])))
        return {key: list(each) for key, each in found.items()}


def test_members_come_and_go_and_every_event_is_handled_in_order(store: Store, topic: str) -> None:
    log, handled = store.open(), Handled()
    members = [Member(store, topic, handled)]
    for start in range(0, 800, 100):
        spread(log, topic, range(start, start + 100))
        if start % 200 == 0:
            members.append(Member(store, topic, handled))
        elif start % 300 == 0:
            members.pop(0).leave()
    until(lambda: handled.has(range(800)), "each event")
    members.pop(0).leave()
    spread(log, topic, range(800, 900))
    until(lambda: handled.has(range(900)), "what the one that left would have got")
    for member in members:
        member.leave()
    assert handled.first_times() == {f"key-{key}": list(range(key, 900, 20)) for key in range(20)}


def test_among_live_members_each_partition_has_one(store: Store, topic: str) -> None:
    log, handled = store.open(), Handled()
    members = [Member(store, topic, handled) for _ in range(2)]
    published = 0

    def round_of_events() -> tuple[int, list[list[Event]]]:
        nonlocal published
        start, published = published, published + 60
        spread(log, topic, range(start, published))
        until(lambda: handled.has(range(start, published)), "each event")
        return start, [member.since(start) for member in members]

    # While they settle, an event may come to both: once to each that held its partition.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        _, shares = round_of_events()
        if sum(len(share) > 0 for share in shares) == store.members_at_work(2):
            break
        time.sleep(0.1)
    _, shares = round_of_events()
    owners = [{event.partition for event in share} for share in shares]
    assert sum(len(share) for share in shares) == 60, "each event came to one member, once"
    assert not owners[0] & owners[1]
    assert sum(len(share) > 0 for share in shares) == store.members_at_work(2)
    for member in members:
        member.leave()
