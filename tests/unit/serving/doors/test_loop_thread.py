"""What is seen of a door's event loop from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from fairlead.kit.pulse import Pulse
from services.serving.doors.loop_thread import LoopThread
from tests import waiting

SECONDS = 1.0


class Hurried:
    behind = False


class Door:
    """Serves nothing until it is stopped, or told to fail."""

    def __init__(self) -> None:
        self.fails = False
        self.thread = LoopThread("door", self._serve)
        self.thread.pulse = Pulse(SECONDS)
        self._began = threading.Event()
        self.thread.start()
        assert self._began.wait(10)

    async def _serve(self) -> None:
        self.thread.watch_lag(5.0, Hurried())
        self._began.set()
        while not await self.thread.stopped(0.05):
            if self.fails:
                raise RuntimeError("a defect")


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.thread.stop()


def test_a_loop_that_is_held_has_no_pulse_until_it_goes_on(door: Door) -> None:
    may_go_on = threading.Event()
    door.thread.loop.call_soon_threadsafe(may_go_on.wait)
    waiting.until(lambda: not door.thread.pulse.lives, "the end of its pulse")
    may_go_on.set()
    waiting.until(lambda: door.thread.pulse.lives, "its pulse")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_ended_by_an_error_has_none(door: Door) -> None:
    door.fails = True
    waiting.until(lambda: not door.thread.pulse.lives, "the end of its pulse")


def test_a_loop_that_was_stopped_is_expected_to_give_none(door: Door) -> None:
    door.thread.stop()
    time.sleep(SECONDS * 1.5)
    assert door.thread.pulse.lives
