"""A child process that does not outlive the service that started it."""

from __future__ import annotations

import os
import select
import signal
import threading
from pathlib import Path

PARENT_VARIABLE = "FAIRLEAD_TASK_PARENT"
_POLL_MS = 500


def end_with_parent() -> bool:
    """End this process and its group as soon as the parent named in the environment has died.

    The parent keeps the other end of standard input open and never writes: its end is the parent's, however it came.
    The parent's id is looked at too, should a fork of the parent have inherited that end. Without the variable
    (run by hand, or as a Job of a cluster) nothing is watched, and False is returned.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent:
        return False
    lifeline = os.dup(0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_watch, args=(int(parent), lifeline), name="parent-watch", daemon=True).start()
    return True


def _watch(parent: int, lifeline: int) -> None:
    poll = select.poll()
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    while os.getppid() == parent and not poll.poll(_POLL_MS):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(128 + signal.SIGKILL)
