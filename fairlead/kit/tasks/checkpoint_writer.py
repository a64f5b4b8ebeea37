"""Keeps checkpoints beside the work, so that it need not wait for the blob store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.checkpoints import Checkpoints

CLOSE_SECONDS = 2.0
"""How long an attempt that ends early waits for what is not kept yet; a Job that is told to end has three seconds."""

_PAUSE_SECONDS = 5.0
_LOG = get_logger("fairlead.tasks")

Make = Callable[[], Mapping[str, bytes]]


class CheckpointWriter:
    """Threads that put entries, from the making of this until it is closed; of a name, only the latest counts.

    An entry that can't be put waits and is put again, and the log of the service tells: the work goes on. As a context
    manager it is closed at the end: at once where the work came to its end, since nobody takes it up again then; after
    an exception once all is kept, or some seconds are over.
    """

    def __init__(self, checkpoints: Checkpoints, *, threads: int = 1, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._checkpoints = checkpoints
        self._pause_seconds = pause_seconds
        self._waiting: dict[str, Make] = {}
        self._busy: set[str] = set()
        self._lost = 0
        self._changed = threading.Condition()
        self._closing = self._closed = self._failing = False
        for number in range(threads):
            threading.Thread(target=self._run, name=f"checkpoints-{number}", daemon=True).start()

    def put(self, name: str, make: Make) -> None:
        """Have an entry kept soon; its files are made, by `make`, where it is put."""
        with self._changed:
            self._waiting[name] = make
            self._changed.notify_all()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop once all is kept, or so many seconds are over."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)
            self._closed = True
            self._changed.notify_all()
            if left := len(self._waiting) + self._lost:
                _LOG.warning("checkpoints were not kept before the end", entries=left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with self._changed:
                self._waiting.clear()
        self.close()

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            name, make = entry
            try:
                self._checkpoints.put(name, make())
            except (FairleadError, OSError) as error:
                self._put_off(name, make, error)
            except Exception:  # noqa: BLE001 - the thread must live on, and the same would happen again
                _LOG.exception("a checkpoint could not be made", entry=name)
                self._is_over(name)
            else:
                self._is_over(name)
                self._tell_of_recovery()

    def _next(self) -> tuple[str, Make] | None:
        """Return the entry to put next, once there is one, or None once this is closed."""
        with self._changed:
            while not self._closed:
                # Of a name, one at a time: an older state must not come last.
                if (name := next((name for name in self._waiting if name not in self._busy), None)) is not None:
                    self._busy.add(name)
                    return name, self._waiting.pop(name)
                self._changed.wait()
        return None

    def _is_over(self, name: str) -> None:
        with self._changed:
            self._busy.discard(name)
            self._changed.notify_all()

    def _put_off(self, name: str, make: Make, error: Exception) -> None:
        with self._changed:
            if not self._failing:
                _LOG.warning("checkpoints can't be kept now; the work goes on, and it is tried again", why=str(error))
            self._failing = True
            if self._closing:
                self._lost += name not in self._waiting
            else:
                self._waiting.setdefault(name, make)
            self._is_over(name)
            self._changed.wait_for(lambda: self._closing, self._pause_seconds)

    def _tell_of_recovery(self) -> None:
        with self._changed:
            if self._failing:
                _LOG.info("checkpoints are kept again")
            self._failing = False
