"""The threads that answer a server's calls: workers for most, others apart so that these do not wait for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock
from typing import Any

from fairlead.kit.errors import ResourceExhausted
from fairlead.kit.worker_pool import WorkerPool, lent

MOST_STREAMS = 512
RETRY_SECONDS = 5.0
MOST_HELD_SECONDS = 3.0
QUIET_SECONDS = 0.15
TICK_SECONDS = 0.01


class CallPools:
    """Says which threads answer which calls, and which calls are refused."""

    def __init__(self, workers: int, queue_seconds: float | None, most_streams: int = MOST_STREAMS) -> None:
        """Answer so many calls at a time, and so many streams beside.

        Calls are refused while the one in turn has waited queue_seconds for a worker; None: however long.
        """
        self.calls = WorkerPool(workers, name="rpc", queue_seconds=queue_seconds)
        """For calls that are answered once; one that waits in lent() counts no more."""
        self._most_streams = most_streams
        # grpc takes no other class than this one for a method's own threads.
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="rpc-aside")
        # A stream waits for its caller most of the time: if it took a worker, a few callers would take all of them.
        self._streams = ThreadPoolExecutor(most_streams, thread_name_prefix="rpc-stream")
        self._lock = Lock()
        self._open_streams = 0
        self._held: Event | None = None
        self._arrived = 0.0

    def hold(self) -> None:
        """Keep answers back until release(), and return once no more calls come: their callers wait for answers."""
        began = self._arrived = time.monotonic()
        self._held = Event()
        while (now := time.monotonic()) - self._arrived < QUIET_SECONDS and now - began < MOST_HELD_SECONDS / 2:
            time.sleep(TICK_SECONDS)

    def came(self) -> None:
        """Note that a call came."""
        if self._held is not None:
            self._arrived = time.monotonic()

    def release(self) -> None:
        """Send what was kept back."""
        if self._held is not None:
            self._held.set()

    def wait_if_held(self) -> None:
        """Return once answers may be sent."""
        if self._held is not None:
            with lent():
                self._held.wait(MOST_HELD_SECONDS)

    def refusal(self) -> ResourceExhausted | None:
        """Return the error of one more call where too much waits already."""
        if not self.calls.queued:
            return None
        try:
            self.calls.refuse_if_behind()
        except ResourceExhausted as error:
            return error
        return None

    def stream_refusal(self) -> ResourceExhausted | None:
        """Return the error of one more stream where too many are open already."""
        if self._open_streams < self._most_streams:
            return None
        return ResourceExhausted(
            f"{self._most_streams} streams are open here already; end those that are not needed",
            retry_after=RETRY_SECONDS,
        )

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a stream while the block runs."""
        with self._lock:
            self._open_streams += 1
        try:
            yield
        finally:
            with self._lock:
                self._open_streams -= 1

    def aside(self, behaviour: Any) -> Any:
        """Return a method that is answered though every worker is busy: it is short, and tells of just that."""
        behaviour.experimental_thread_pool = self._aside
        return behaviour

    def with_streams(self, behaviour: Any) -> Any:
        """Return a method each of whose calls has a thread of its own."""
        behaviour.experimental_thread_pool = self._streams
        return behaviour

    def close(self) -> None:
        """End the threads once they have nothing to do."""
        for pool in (self.calls, self._aside, self._streams):
            pool.shutdown(wait=False)
