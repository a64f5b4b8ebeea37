"""The thread that tells what could not be told before."""

from __future__ import annotations

from sqlalchemy import Engine

from fairlead.api.tasks.v1.task_pb2 import LogLine
from fairlead.kit.events import EventLog
from fairlead.kit.tasks import TaskStore
from fairlead.kit.tasks.catching_up import CatchingUp
from tests.waiting import until


class Failing(TaskStore):
    """Meets an error that nobody foresaw, and then does its work."""

    def __init__(self, engine: Engine, events: EventLog) -> None:
        super().__init__(engine, events, "kit")
        self.looks = 0

    def publish_missed(self) -> None:
        self.looks += 1
        if self.looks == 1:
            raise ValueError("nobody foresaw it")
        super().publish_missed()


def test_it_goes_on_after_an_error_that_nobody_foresaw(engine: Engine, events: EventLog) -> None:
    store = Failing(engine, events)
    store.create("demo", "work", LogLine())
    catching_up = CatchingUp(store, seconds=0.01)

    until(lambda: store.looks > 2, "another look")

    catching_up.close()
