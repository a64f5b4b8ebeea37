"""Work that outlives its owner, as a Job does: processes that nobody watches, found again by their attempt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.tasks import Ending
from fairlead.kit.tasks.runner import Tell
from fairlead.kit.tasks.worker import INTERRUPTED


class DetachedRunner:
    """Runs the sample worker; a folder holds the number of each attempt's process, and how it ended.

    A file `away` in the folder makes it unable to start or to find anything, a file `refused` makes it refuse.
    """

    outlives = True

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def run(self, task: Task, environment: Mapping[str, str]) -> DetachedWork:
        self._reach()
        if (self._folder / "refused").exists():
            raise FailedPrecondition("the cluster refused to make Jobs: no quota")
        ended = self._path(task).with_suffix(".ended")
        command = f'"{sys.executable}" -m tests.unit.kit.tasks.sample_worker "{task.name}"; echo $? > "{ended}"'
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env={**os.environ, **self._environment, **environment},
            start_new_session=True,
        )
        threading.Thread(target=process.wait, daemon=True).start()
        self._path(task).write_text(str(process.pid))
        return DetachedWork(self._path(task))

    def find(self, task: Task) -> DetachedWork | None:
        self._reach()
        return DetachedWork(self._path(task)) if self._path(task).exists() else None

    def _reach(self) -> None:
        if (self._folder / "away").exists():
            raise Unavailable("the API of the cluster can't be reached")

    def _path(self, task: Task) -> Path:
        return self._folder / f"{task.name.rpartition('/')[2]}.{task.attempt}"


class DetachedWork:
    """One attempt's process group. Killed with SIGKILL, it was taken away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._released = threading.Event()

    def wait(self, tell: Tell) -> Ending:
        tell("the work is followed")
        while not self._released.wait(0.02):
            if self._path.with_suffix(".ended").exists():
                exit_code = int(self._path.with_suffix(".ended").read_text() or 0)
                return Ending(exit_code)
            if not self._runs():
                return Ending(INTERRUPTED, Unavailable("the pod of the work was taken away"))
        return Ending(INTERRUPTED)

    def stop(self) -> None:
        os.killpg(self._number(), signal.SIGKILL)

    def release(self) -> None:
        self._released.set()

    def _number(self) -> int:
        while not (text := self._path.read_text()):
            time.sleep(0.01)
        return int(text)

    def _runs(self) -> bool:
        try:
            os.killpg(self._number(), 0)
        except ProcessLookupError:
            return False
        return True
