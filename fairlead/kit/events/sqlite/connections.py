"""Connections to one SQLite file, each used by one thread at a time.

Idle connections are kept for the next user, so there are as many as there were users at once. After a fork the child
forgets the parent's connections without closing them (SQLite forbids using or closing them there) and opens its own.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from fairlead.kit.errors import FailedPrecondition, Unavailable

from .failures import failure_of, is_locked

T = TypeVar("T")
Synchronous = Literal["FULL", "NORMAL"]

BUSY_MILLISECONDS = 5000
TURN_SECONDS = (0.0002, 0.002)
WRITE_PATIENCE_SECONDS = 30.0
WAL_BYTES_KEPT = 64 * 1024 * 1024

_pools: weakref.WeakSet[Connections] = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []


class Connections:
    """A pool of connections in WAL mode.

    With synchronous FULL a commit is on disk when it returns; with NORMAL the file stays sound in a power cut, but the
    last commits may be undone (right for offsets and leases: events are then delivered again).
    """

    def __init__(self, path: str, *, synchronous: Synchronous, patience: float = WRITE_PATIENCE_SECONDS) -> None:
        self.path = path
        self._patience = patience
        self._synchronous = synchronous
        self._closed = False
        self._forget()
        _pools.add(self)

    def _forget(self) -> None:
        """Begin without connections and with fresh locks (a lock held by another thread stays held after a fork)."""
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()

    def forget_inherited(self) -> None:
        """Set the parent's connections aside, in a forked child; they must never be closed there."""
        _inherited.extend(self._idle)
        self._forget()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in autocommit mode; SQLite's errors come out as Fairlead's."""
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.rollback()
                self._give_back(connection)
        except sqlite3.Error as error:
            raise failure_of(error, self.path) from error

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one writing transaction and return its result once committed.

        Another writer in the way is waited for, with bound; then Unavailable is raised and nothing was written.
        """
        deadline = time.monotonic() + self._patience
        # The threads of one process queue here, so that at most one of each process contends for the file.
        if not self._writing.acquire(timeout=self._patience):
            raise Unavailable(f"The event log {self.path} has too many writers; try again.", retry_after=1.0)
        try:
            with self.connection() as connection:
                self._begin(connection, deadline)
                result = work(connection)
                connection.execute("COMMIT")
                return result
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _begin(self, connection: sqlite3.Connection, deadline: float) -> None:
        """Become the file's writer.

        SQLite would wait by ever longer sleeps, up to 100 ms, and a patient writer starves among busy ones for seconds;
        short random ones give each its turn within milliseconds.
        """
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if not is_locked(error) or time.monotonic() > deadline:
                        raise
                time.sleep(random.uniform(*TURN_SECONDS))
        finally:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise FailedPrecondition(f"The event log {self.path} is closed; open it again.")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
        return connection


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block of reading statements that all see one state."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.rollback()


def enable_wal(path: str) -> None:
    """Make the file and its folder where absent and switch it to WAL, which it keeps.

    Processes that start together get in each other's way here without SQLite waiting, so this waits itself.
    """
    deadline = time.monotonic() + WRITE_PATIENCE_SECONDS
    while True:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
            return
        except OSError as error:
            raise FailedPrecondition(f"The folder of the event log {path} can't be made: {error}.") from error
        except sqlite3.Error as error:
            if not is_locked(error) or time.monotonic() > deadline:
                raise failure_of(error, path) from error
            time.sleep(0.02)


def _forget_inherited_connections() -> None:
    for pool in list(_pools):
        pool.forget_inherited()


os.register_at_fork(after_in_child=_forget_inherited_connections)
