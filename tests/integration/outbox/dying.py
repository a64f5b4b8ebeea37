"""An event log under which the process is killed, and the processes that use it.

`python -m tests.integration.outbox.dying ROLE WHEN HOME DATABASE_URL ...`
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from google.protobuf.message import Message

from fairlead.api.tasks.v1.task_pb2 import LogLine
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.errors import Internal
from fairlead.kit.events import Draft, Retention
from fairlead.kit.events.sqlite import SqliteEventLog
from fairlead.kit.logging import configure_logging
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import MIGRATIONS, TaskStore
from tests.data import ROOT

When = Literal["before", "after"]


class DyingLog(SqliteEventLog):
    """The process dies by SIGKILL in place of a publication or right after it, once it is told to."""

    def __init__(self, settings: KitSettings, when: str) -> None:
        super().__init__(settings.events_url.removeprefix("sqlite:///"), source="kit", retention=Retention())
        self._when = when
        self.armed = False

    def publish(self, topic: str, key: str, message: Message, *, id: str = "") -> None:
        self.publish_many(topic, [Draft(key, message, id)])

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        if self.armed and self._when == "before":
            _die()
        super().publish_many(topic, drafts)
        if self.armed and self._when == "after":
            _die()


def change_task(when: str, home: str, database_url: str, change: str) -> None:
    """Change a task, and die about telling of it."""
    settings = settings_of(home, database_url)
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    log = DyingLog(settings, when)
    store = TaskStore(engine, log, "kit")
    if change == "create":
        log.armed = True
    name = store.create("demo", "work", LogLine()).name
    if change in ("succeed", "fail", "progress"):
        store.start(name)
    log.armed = True
    changes: dict[str, Callable[[], object]] = {
        "start": lambda: store.start(name),
        "progress": lambda: store.progress(name, 0.5, "fit", resource="projects/demo/runs/r"),
        "succeed": lambda: store.succeed(name, LogLine(message="done")),
        "fail": lambda: store.fail(name, Internal("it broke")),
        "cancel": lambda: store.cancel(name),
    }
    changes[change]()


def run_tasks(_when: str, home: str, database_url: str) -> None:
    """Take tasks from their making to their end for ever, and tell each change that was accepted."""
    settings = settings_of(home, database_url)
    engine = backends.database(settings)
    store = TaskStore(engine, backends.event_log(settings), "kit")
    for number in itertools.count():
        name = store.create("demo", "work", LogLine()).name
        print("created", name, flush=True)
        store.start(name)
        print("started", name, flush=True)
        store.progress(name, 0.5, "fit", resource=f"projects/demo/runs/r{number}")
        if number % 3 == 0:
            store.fail(name, Internal("it broke"))
        else:
            store.succeed(name, LogLine(message=str(number)))
        print("ended", name, flush=True)


def raise_alert(when: str, home: str, database_url: str) -> None:
    """Count in predictions that drifted, and die about telling of the alert."""
    from tests.unit.drift import events as made
    from tests.unit.drift.test_intake import LATER, Desk

    desk = Desk(Path(home), database_url)
    log = DyingLog(desk.settings, when)
    desk.events = log
    desk.restart()
    desk.changed(made.deployment(desk.reference()))
    log.publish_many(
        "fairlead.predictions",
        [Draft(made.DEPLOYMENT, batch) for batch in made.batches(made.older(made.sample(LATER, 450, seed=1)), 50)],
    )
    log.armed = True
    desk.intake.take_traffic(list(log.replay("fairlead.predictions")))


def settings_of(home: str | Path, database_url: str) -> KitSettings:
    return KitSettings(home=Path(home), database_url=database_url)


def spawn(role: str, when: str, home: Path, database_url: str, *more: str) -> subprocess.Popen[str]:
    """Start one of the processes; what it tells is on its stdout."""
    command = [sys.executable, "-m", __name__, role, when, str(home), database_url, *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


ROLES: dict[str, Callable[..., None]] = {"change": change_task, "run": run_tasks, "alert": raise_alert}

if __name__ == "__main__":
    configure_logging("test")
    ROLES[sys.argv[1]](*sys.argv[2:])
