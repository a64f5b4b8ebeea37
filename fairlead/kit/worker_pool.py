"""Threads that run tasks, so many at a time; one that waits for something gives its place to another."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Condition, Lock, Thread
from typing import Any, TypeVar

from fairlead.kit.errors import ResourceExhausted

Result = TypeVar("Result")
IDLE_SECONDS = 30.0
"""A thread without a task for so long ends."""
MOST_THREADS = 1024
_OF_THIS_THREAD = threading.local()


class _Task:
    __slots__ = ("arguments", "call", "future", "named", "since")

    def __init__(self, call: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        self.call, self.arguments, self.named = call, arguments, named
        self.since = time.monotonic()
        self.future: Future[Any] = Future()


class _Worker:
    """A thread, and the task that it is handed while it has none."""

    __slots__ = ("task", "woken")

    def __init__(self, task: _Task | None) -> None:
        self.task = task
        # Held while there is nothing to do; releasing it wakes the thread.
        self.woken = Lock()
        self.woken.acquire()


class WorkerPool(Executor):
    """Runs tasks in the order they came, so many at a time, those that wait in lent() not counted."""

    def __init__(
        self,
        workers: int,
        *,
        name: str,
        queue_seconds: float | None = None,
        most_queued: int = 1000,
        most_threads: int = MOST_THREADS,
    ) -> None:
        """Run so many tasks at a time, in threads of that name.

        refuse_if_behind() refuses once a task has waited queue_seconds for a thread (None: however long), or
        most_queued wait. Places are lent while there are fewer than most_threads threads.
        """
        self._free = workers
        self._name = name
        self._queue_seconds = queue_seconds
        self._most_queued = most_queued
        self._most_threads = max(workers, most_threads)
        self._lock = Lock()
        self._ended = Condition(self._lock)
        self._tasks: deque[_Task] = deque()
        self._idle: list[_Worker] = []
        self._threads = 0
        self._closed = False

    @property
    def queued(self) -> int:
        """How many tasks wait for a thread."""
        return len(self._tasks)

    def behind(self) -> float:
        """Return how many seconds the next task in turn has waited for a thread; 0.0 where none waits."""
        try:
            return time.monotonic() - self._tasks[0].since
        except IndexError:
            return 0.0

    def refuse_if_behind(self) -> None:
        """Raise ResourceExhausted where one more task would wait too long."""
        if not self._tasks:
            return
        queued, behind = len(self._tasks), self.behind()
        if queued < self._most_queued and (self._queue_seconds is None or behind < self._queue_seconds):
            return
        raise ResourceExhausted(
            f"{queued} calls wait here already, the first for {behind:.1f} s; send fewer at a time, or try again later",
            retry_after=max(0.1, behind / 2),
        )

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Run a call in a thread. Raises RuntimeError after shutdown()."""
        task = _Task(fn, args, kwargs)
        with self._lock:
            if self._closed:
                raise RuntimeError("the threads have ended")
            if self._free <= 0:
                self._tasks.append(task)
                return task.future
            self._free -= 1
            started = self._hand_over(task)
        if started is not None:
            started.start()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; with wait, return once those that were taken have ended."""
        with self._lock:
            self._closed = True
            if cancel_futures:
                for task in self._tasks:
                    task.future.cancel()
                self._tasks.clear()
            idle, self._idle = self._idle, []
            for worker in idle:
                worker.woken.release()
            while wait and self._threads:
                self._ended.wait()

    def lend(self) -> bool:
        """Give the place of this thread, which is to wait, to another task; return whether so."""
        with self._lock:
            if self._threads >= self._most_threads:
                return False
            started = None
            if self._tasks:
                started = self._hand_over(self._tasks.popleft())
            else:
                self._free += 1
        if started is not None:
            started.start()
        return True

    def take_back(self) -> None:
        """Count this thread again; until a place is free there is one more task at a time."""
        with self._lock:
            self._free -= 1

    def _hand_over(self, task: _Task) -> Thread | None:
        """Give a task to a thread that has none, or return a new one to start; the lock is held."""
        if self._idle:
            worker = self._idle.pop()
            worker.task = task
            worker.woken.release()
            return None
        self._threads += 1
        return Thread(target=self._run, args=(_Worker(task),), name=f"{self._name}-{self._threads}", daemon=True)

    def _run(self, worker: _Worker) -> None:
        _OF_THIS_THREAD.pool = self
        task = worker.task
        while task is not None:
            worker.task = None
            _perform(task)
            # Nothing of it is kept while the thread waits.
            del task
            task = self._next(worker)
        with self._lock:
            self._threads -= 1
            self._ended.notify_all()

    def _next(self, worker: _Worker) -> _Task | None:
        """Return the task that a thread is to do next; None where it is to end."""
        with self._lock:
            if self._tasks and self._free >= 0:
                return self._tasks.popleft()
            self._free += 1
            if self._closed:
                return None
            self._idle.append(worker)
        if worker.woken.acquire(timeout=IDLE_SECONDS):
            return worker.task
        with self._lock:
            if worker in self._idle:
                self._idle.remove(worker)
                return None
        # It was handed a task, or told to end, at the last moment.
        worker.woken.acquire()
        return worker.task


def _perform(task: _Task) -> None:
    if not task.future.set_running_or_notify_cancel():
        return
    try:
        result = task.call(*task.arguments, **task.named)
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
        task.future.set_exception(error)
        return
    task.future.set_result(result)


class lent:
    """A block in which this thread waits: a task that waits for a thread runs meanwhile. Does nothing elsewhere."""

    __slots__ = ("_pool",)

    def __enter__(self) -> None:
        pool: WorkerPool | None = getattr(_OF_THIS_THREAD, "pool", None)
        self._pool = pool if pool is not None and pool.lend() else None

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.take_back()
