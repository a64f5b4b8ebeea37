"""Tells the event log, now and then, what it could not be told before."""

from __future__ import annotations

import threading

from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.store import TaskStore

INTERVAL_SECONDS = 10.0
_CLOSE_SECONDS = 8.0
_LOG = get_logger("fairlead.tasks")


class CatchingUp:
    """A thread that publishes what was committed while the event log was away, from its making until closed."""

    def __init__(self, store: TaskStore, seconds: float = INTERVAL_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tasks-missed", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; what is still untold is told after the next start."""
        self._closed.set()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            try:
                self._store.publish_missed()
            except Exception:  # noqa: BLE001
                # Whatever it was, the tasks must be told of once it is over.
                _LOG.exception("what tasks have to tell still waits")
