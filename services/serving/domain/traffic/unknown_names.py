"""Asking elsewhere for deployments that are not known here: seldom, however many ask and whatever they ask for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from fairlead.kit.errors import Unavailable

KEPT_SECONDS = 0.25
"""A name that was not found is not looked for again sooner; nor is any, where the database was away."""
MOST_KEPT = 1024


class UnknownNames:
    """Looks for names, one look at a time, of which each serves all who wait for it. Safe to call from many threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock returns seconds."""
        self._clock = clock
        self._lock = Lock()
        self._looking = Lock()
        self._begun = 0
        self._failure: Exception | None = None
        self._failed_until = 0.0
        self._absent_until: dict[str, float] = {}

    def look(self, name: str, look: Callable[[], None]) -> None:
        """Have look() called, unless that was done for this name a moment ago, or is about to be for another.

        Raises Unavailable where the database is away, or whatever else looking failed with.
        """
        now = self._clock()
        with self._lock:
            self._tell(now)
            if now < self._absent_until.get(name, 0.0):
                return
            came = self._begun
        with self._looking:
            # One that began after this call came has seen all that there was to see.
            if self._begun == came:
                self._look(look)
        now = self._clock()
        with self._lock:
            self._tell(now)
            self._absent_until.pop(name, None)
            self._absent_until[name] = now + KEPT_SECONDS
            while len(self._absent_until) > MOST_KEPT:
                # The oldest, since dicts keep the order.
                del self._absent_until[next(iter(self._absent_until))]

    def _look(self, look: Callable[[], None]) -> None:
        self._begun += 1
        failure = None
        try:
            look()
        except Exception as error:  # noqa: BLE001  # it is raised to all who wait for this look
            failure = error
        with self._lock:
            self._failure, self._failed_until = failure, self._clock() + KEPT_SECONDS

    def _tell(self, now: float) -> None:
        failure = self._failure
        if failure is None or now >= self._failed_until:
            return
        if isinstance(failure, Unavailable):
            # A copy: one object raised again and again would pile up its traceback.
            raise Unavailable(failure.message, resource=failure.resource, retry_after=failure.retry_after)
        raise failure
