"""Ends servers whose test run is gone, however it ended.

The guard is a process of its own that reads what it is to watch from its standard input. That input ends with the test
run, also where the run was killed; the guard then ends what is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from typing import IO


def watch(kind: str, name: str) -> None:
    """End this once the test run is gone: a process group, a container, a folder."""
    _tell(f"watch {kind} {name}")


def forget(kind: str, name: str) -> None:
    """Leave this alone from now on."""
    _tell(f"forget {kind} {name}")


def _tell(line: str) -> None:
    stream = _input()
    stream.write(line + "\n")
    stream.flush()


@cache
def _input() -> IO[str]:
    # A session of its own: Ctrl-C is for the tests.
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.guard"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert guard.stdin is not None
    return guard.stdin


def _end(kind: str, name: str) -> None:
    if kind == "group":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(name), signal.SIGKILL)
    elif kind == "container":
        import docker
        from docker.errors import NotFound

        with contextlib.suppress(NotFound):
            docker.from_env().containers.get(name).remove(force=True, v=True)
    elif kind == "folder":
        shutil.rmtree(name, ignore_errors=True)


def main() -> None:
    """Follow standard input to its end, then end what is still watched, newest first."""
    watched: list[tuple[str, str]] = []
    for line in sys.stdin:
        verb, kind, name = line.rstrip("\n").split(" ", 2)
        (watched.append if verb == "watch" else watched.remove)((kind, name))
    for kind, name in reversed(watched):
        _end(kind, name)


if __name__ == "__main__":
    main()
