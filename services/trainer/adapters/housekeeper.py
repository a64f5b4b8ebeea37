"""Keeping MLflow and the table of runs in step with how tasks ended, from the service's side."""

from __future__ import annotations

import subprocess
import sys
import threading

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks import TaskStore

from .runs import FAILED, KILLED, RunTable

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
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                self._process.wait()
