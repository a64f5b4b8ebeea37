"""Work of tasks as child processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.tasks.parent_watch import PARENT_VARIABLE
from fairlead.kit.tasks.runner import GRACE_SECONDS, Ending, Tell


class LocalRunner:
    """Runs `python -m module TASK_NAME`, each in a session of its own, with this process's environment."""

    outlives = False

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        self._module = module
        self._environment = dict(environment or {})

    def run(self, task: Task, environment: Mapping[str, str]) -> LocalWork:
        """Start the child process. Raises OSError where the machine has no room for it."""
        reader, writer = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", self._module, task.name],
                env={**os.environ, **self._environment, **environment, PARENT_VARIABLE: str(os.getpid())},
                stdin=reader,
                # What libraries print belongs in the log of the service, which is standard error.
                stdout=2,
                start_new_session=True,
            )
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        return LocalWork(process, writer)

    def find(self, _task: Task) -> None:
        """Return nothing: child processes end with the service that started them."""


class LocalWork:
    """A child process and whatever it started."""

    def __init__(self, process: subprocess.Popen[bytes], lifeline: int) -> None:
        self._process = process
        self._lifeline = lifeline
        self._ended = threading.Event()

    def wait(self, _tell: Tell) -> Ending:
        """Block until the process has ended; what it left running is killed."""
        exit_code = self._process.wait()
        self._signal_group(signal.SIGKILL)
        self._ended.set()
        os.close(self._lifeline)
        return Ending(exit_code)

    def stop(self) -> None:
        """Send SIGTERM to the process and all it started, and SIGKILL 5 seconds later."""
        self._signal_group(signal.SIGTERM)
        threading.Thread(target=self._insist, name="task-stop", daemon=True).start()

    def release(self) -> None:
        """Stop it: it would end with this process anyway."""
        self.stop()

    def _insist(self) -> None:
        if not self._ended.wait(GRACE_SECONDS):
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        if self._ended.is_set():
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Nobody is left in the group, or (macOS) only the dead that are not collected yet.
            return
