"""A process that holds tasks, for as long as it is seen to live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import sqlalchemy as sa

from fairlead.kit.database import insert_new
from fairlead.kit.tasks.process_id import is_known_dead, new_process_id
from fairlead.kit.tasks.schema import holders

LEASE_SECONDS = 15.0
"""A process that has not been heard of for so long is gone, as far as its tasks are concerned."""


class TaskHolder:
    """One process among those of a service. Safe to call from many threads.

    It says that it lives by counting up a number in the database. Others watch the number, each by its own clock, so
    that clocks need not agree. Of a process of the same machine they see at once that it is gone.
    """

    def __init__(
        self,
        engine: sa.Engine,
        owner: str,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write nothing yet: a service that holds no task leaves no trace."""
        self.id = new_process_id()
        self._engine = engine
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._entered = False
        self._heard: dict[str, tuple[int, float]] = {}

    def enter(self) -> None:
        """Be known as living, before the first task is held."""
        with self._lock:
            if not self._entered:
                self._insert()
                self._entered = True

    def beat(self) -> None:
        """Be heard of again, if known at all; to be called several times within a lease."""
        with self._lock:
            if not self._entered:
                return
            mine = sa.update(holders).where(holders.c.id == self.id).values(beats=holders.c.beats + 1)
            with self._engine.begin() as connection:
                counted = connection.execute(mine).rowcount
            if not counted:
                # Taken for dead, as after a pause: what it held may be another's by now, what comes is its own.
                self._insert()

    def leave(self) -> None:
        """Let others take up what this process held, without waiting."""
        with self._lock, self._engine.begin() as connection:
            self._entered = False
            connection.execute(sa.delete(holders).where(holders.c.id == self.id))

    def end_dead(self) -> None:
        """Take out the service's processes that are gone."""
        now = self._clock()
        query = sa.select(holders.c.id, holders.c.beats).where(holders.c.owner == self._owner, holders.c.id != self.id)
        with self._engine.connect() as connection:
            others = {row.id: row.beats for row in connection.execute(query)}
        with self._lock:
            heard = self._heard
            self._heard = {
                holder: known if (known := heard.get(holder)) and known[0] == beats else (beats, now)
                for holder, beats in others.items()
            }
            silent = {holder: now - since for holder, (_, since) in self._heard.items()}
        for holder, beats in others.items():
            if silent[holder] > self._lease_seconds or is_known_dead(holder):
                # Not where it was heard of meanwhile.
                end = sa.delete(holders).where(holders.c.id == holder, holders.c.beats == beats)
                with self._engine.begin() as connection:
                    connection.execute(end)

    def _insert(self) -> None:
        with self._engine.begin() as connection:
            insert_new(connection, holders, {"id": self.id, "owner": self._owner, "beats": 0})
