"""Keeping MLflow and the table of runs in step with how tasks ended, from the service's side."""

from __future__ import annotations

import subprocess
import sys
import threading

from sqlalchemy.exc import SQLAlchemyError

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED
from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks import TaskStore

from .runs import FAILED, KILLED, RunTable

LOOK_SECONDS = 5.0
"""How long after its task a run may still be said to be running, where its own process could not tell."""

_LOG = get_logger("fairlead.trainer")
_ENDED = {TASK_STATE_CANCELLED: KILLED, TASK_STATE_FAILED: FAILED}


class Housekeeper:
    """Marks runs whose task was cancelled or crashed, and has a short child process tell MLflow.

    The service itself never imports MLflow for it: that would cost seconds and 170 MB for good.
    """

    def __init__(self, module: str, runs: RunTable, tasks: TaskStore) -> None:
        self._module = module
        self._runs = runs
        self._tasks = tasks
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._look, name="housekeeper", daemon=True)

    def watch(self) -> None:
        """Have MLflow's database made, and from now on keep an eye on runs whose task ends without them."""
        self.start()
        self._watch.start()

    def start(self) -> None:
        """Have MLflow's database made, and what is open told, in the background; at once when one is at it already."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                command = [sys.executable, "-m", self._module]
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
                threading.Thread(target=self._process.wait, name="housekeeping", daemon=True).start()

    def settle(self, project: str | None = None) -> None:
        """Mark the running runs, of one project or of all, whose task has ended without them."""
        for run in self._runs.running(project):
            status = _ENDED.get(self._tasks.get(run.task).state)
            if status is not None:
                self._runs.end(run, status)
                _LOG.info("a run ended with its task", run=run.name, status=status)
        if self._runs.untold():
            self.start()

    def close(self) -> None:
        """Stop the child process, if one is at work; what it leaves is done at the next start."""
        self._closing.set()
        if self._watch.is_alive():
            self._watch.join()
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                self._process.wait()

    def _look(self) -> None:
        """Settle again and again: nobody may ask for a run, and a child process knows what it found at its start."""
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self.settle()
            except (SQLAlchemyError, FairleadError) as error:
                _LOG.warning("runs can't be looked at now; that is tried again", why=str(error))
