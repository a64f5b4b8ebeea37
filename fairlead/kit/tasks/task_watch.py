"""Work that no service watches over, such as a Job's, does not outlive its task's interest in it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_RUNNING
from fairlead.kit.errors import FairleadError, NotFound
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.runner import GRACE_SECONDS
from fairlead.kit.tasks.store import TaskStore

LOOK_SECONDS = 5.0
_LOG = get_logger("fairlead.tasks")


@contextmanager
def ending_with_task(store: TaskStore, name: str, attempt: int, *, seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Meanwhile end this process, by SIGTERM, once the task was cancelled or another attempt at it has begun.

    Whoever cancels deletes the Job too; this is for when that could not be done, and for a node that comes back after
    it was given up. A database that is away ends nothing.
    """
    done = threading.Event()
    arguments = (store, name, attempt, seconds, done)
    threading.Thread(target=_watch, args=arguments, name="task-watch", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _watch(store: TaskStore, name: str, attempt: int, seconds: float, done: threading.Event) -> None:
    while not done.wait(seconds):
        try:
            task = store.get(name)
            wanted = (task.state, task.attempt) == (TASK_STATE_RUNNING, attempt)
        except NotFound:
            wanted = False
        except (FairleadError, SQLAlchemyError, OSError) as error:
            _LOG.warning("it can't be seen whether the work is still wanted", task=name, error=str(error))
            continue
        if not wanted and not done.is_set():
            _LOG.warning("the task was cancelled, or another attempt at it has begun; stopping", task=name)
            os.kill(os.getpid(), signal.SIGTERM)
            if not done.wait(GRACE_SECONDS):
                os._exit(128 + signal.SIGKILL)
            return
