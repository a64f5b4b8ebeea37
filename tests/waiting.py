"""Waiting for what happens in the background, without a guess at how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from fairlead.kit.events import Event, EventLog

PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], bool], what: str = "it", seconds: float = PATIENCE_SECONDS) -> None:
    """Return once the condition holds; fails where it does not for a minute."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
        time.sleep(0.02)


def published(log: EventLog, topic: str, count: int = 1) -> list[Event]:
    """Return the topic's events once there are so many."""
    until(lambda: len(list(log.replay(topic))) >= count, f"event {count} of {topic}")
    return list(log.replay(topic))
