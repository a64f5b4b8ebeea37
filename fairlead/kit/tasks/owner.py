"""Sees to it that the tasks of a service run, few at a time, and that each comes to an end."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_RUNNING, Task
from fairlead.kit.errors import Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.failures import failure_of_ending, interrupted_too_often
from fairlead.kit.tasks.runner import Runner, Work
from fairlead.kit.tasks.schema import ACTIVE
from fairlead.kit.tasks.store import TaskStore
from fairlead.kit.tasks.worker import ATTEMPT_VARIABLE

MAX_ATTEMPTS = 5
_CLOSE_SECONDS = 8.0
_LOG = get_logger("fairlead.tasks")


class TaskOwner:
    """Runs tasks through a Runner, at most `concurrency` at a time, the others waiting in order."""

    def __init__(self, store: TaskStore, runner: Runner, *, concurrency: int = 2) -> None:
        self._store = store
        self._runner = runner
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._known: set[str] = set()
        self._running: dict[str, Work] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"tasks-{number}", daemon=True) for number in range(concurrency)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Task) -> None:
        """Have the task run as soon as there is room. A task that has ended, or was submitted before, is left alone."""
        with self._lock:
            if task.state not in ACTIVE or task.name in self._known:
                return
            self._known.add(task.name)
        self._waiting.put(task.name)

    def cancel(self, name: str) -> Task:
        """Cancel the task, stop its work for certain, and return it. An ended task is unchanged. Raises NotFound."""
        task = self._store.cancel(name)
        with self._lock:
            work = self._running.get(name)
        if work is not None and task.state not in ACTIVE:
            work.stop()
        return task

    def recover(self) -> None:
        """Take up what the service left when it ended: publish what it could not, and run unfinished tasks again."""
        self._store.publish_missed()
        for task in self._store.unfinished():
            if task.attempt >= MAX_ATTEMPTS:
                self._store.fail(task.name, interrupted_too_often(task.attempt))
            elif task.state != TASK_STATE_RUNNING or self._store.requeue(task.name):
                self.submit(task)

    def close(self) -> None:
        """Stop the work under way and return; its tasks stay as they are, for recover() after a restart."""
        with self._lock:
            self._closing = True
            works = list(self._running.values())
        for work in works:
            work.stop()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)

    def _serve(self) -> None:
        while (name := self._waiting.get()) is not None:
            try:
                if not self._closing:
                    self._see_through(name)
            except Exception:  # noqa: BLE001 - one task must not end the thread that serves all
                # Such as a database that is away: the task stays unfinished, and recover() takes it up.
                _LOG.exception("a task could not be run", task=name)
            finally:
                with self._lock:
                    self._known.discard(name)
                    self._running.pop(name, None)

    def _see_through(self, name: str) -> None:
        task = self._store.start(name)
        if task.state != TASK_STATE_RUNNING:
            return
        environment = {ATTEMPT_VARIABLE: str(task.attempt), "TRACEPARENT": self._store.traceparent(name)}
        try:
            work = self._runner.run(name, environment)
        except OSError as error:
            self._store.fail(name, Unavailable(f"the work could not be started: {error.strerror}"))
            return
        with self._lock:
            self._running[name] = work
            unwanted = self._closing
        # A cancel may have come after the start and before the line above, when there was no work to stop.
        if unwanted or self._store.get(name).state != TASK_STATE_RUNNING:
            work.stop()
        ending = work.wait()
        if self._closing:
            return
        self._store.fail(name, failure_of_ending(ending.exit_code), attempt=task.attempt)
        self._store.publish_missed()
