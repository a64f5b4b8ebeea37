"""Waiting for another connection's commit, cheaply: a counter in shared memory is looked at, no table is read."""

from __future__ import annotations

import sqlite3
import threading
import time

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.1


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has committed anything."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)


def wait_for_commit(connection: sqlite3.Connection, seen: int, deadline: float, stopping: threading.Event) -> bool:
    """Return True once data_version differs from `seen`, False at the monotonic deadline or when stopping.

    Looks every 20 ms at first and every 100 ms after half a second of silence.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        if data_version(connection) != seen:
            return True
        left = deadline - time.monotonic()
        if left <= 0 or stopping.wait(min(pause, left)):
            return False
        pause = min(pause * 1.15, LONGEST_PAUSE_SECONDS)
