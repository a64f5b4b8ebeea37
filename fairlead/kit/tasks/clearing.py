"""Clears what attempts kept of tasks that have ended."""

from __future__ import annotations

import threading

from sqlalchemy.exc import SQLAlchemyError

from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.checkpoints import Checkpoints, tasks_with_checkpoints
from fairlead.kit.tasks.store import TaskStore

INTERVAL_SECONDS = 600.0
_CLOSE_SECONDS = 8.0
_LOG = get_logger("fairlead.tasks")


class Clearing:
    """A thread that looks for checkpoints of tasks that have ended: at its making, when told, and now and then.

    Now and then, since a task may end while nobody looks, and an attempt that was given up for lost may keep something
    after the end.
    """

    def __init__(self, store: TaskStore, blobs: BlobStore, seconds: float = INTERVAL_SECONDS) -> None:
        self._store = store
        self._blobs = blobs
        self._seconds = seconds
        self._wanted = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="tasks-clearing", daemon=True)
        self._thread.start()

    def soon(self) -> None:
        """Look now: a task has ended. Returns at once."""
        self._wanted.set()

    def close(self) -> None:
        """Stop; what is left is cleared after the next start."""
        self._closed = True
        self._wanted.set()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._clear()
            except (FairleadError, SQLAlchemyError, OSError) as error:
                _LOG.warning("checkpoints of ended tasks stay for now", why=str(error))
            except Exception:  # noqa: BLE001 - whatever it was, it is tried again
                _LOG.exception("checkpoints of ended tasks stay for now")
            self._wanted.wait(self._seconds)
            self._wanted.clear()

    def _clear(self) -> None:
        for task_id in sorted(self._store.ended(tasks_with_checkpoints(self._blobs))):
            if self._closed:
                return
            Checkpoints(self._blobs, task_id).clear()
