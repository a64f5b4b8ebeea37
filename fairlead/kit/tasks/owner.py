"""Sees to it that the tasks of a service run, few at a time, and that each comes to an end.

A service may run as several processes on one database. Each task is held by one of them, which does its work; the
others take it up once that process is gone.
"""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue

from sqlalchemy.exc import SQLAlchemyError

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_RUNNING, Task
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FailedPrecondition, FairleadError, NotFound, Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.catching_up import INTERVAL_SECONDS, CatchingUp
from fairlead.kit.tasks.clearing import Clearing
from fairlead.kit.tasks.context import TaskContext
from fairlead.kit.tasks.failures import failure_of_ending, interrupted_too_often
from fairlead.kit.tasks.holder import LEASE_SECONDS
from fairlead.kit.tasks.metrics import TASKS_RUNNING, count_end
from fairlead.kit.tasks.runner import Ending, Runner, Work
from fairlead.kit.tasks.schema import ACTIVE
from fairlead.kit.tasks.store import TaskStore
from fairlead.kit.tasks.worker import ATTEMPT_VARIABLE, INTERRUPTED

MAX_ATTEMPTS = 5
BEATS_A_LEASE = 3
_CLOSE_SECONDS = 8.0
_PAUSE_SECONDS = 1.0
_LOG = get_logger("fairlead.tasks")


class TaskOwner:
    """Runs tasks through a Runner, at most `concurrency` at a time, the others waiting in order."""

    def __init__(
        self,
        store: TaskStore,
        runner: Runner,
        *,
        concurrency: int = 2,
        missed_seconds: float = INTERVAL_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
        checkpoints: BlobStore | None = None,
    ) -> None:
        """Tasks that the store makes are this process's from now on.

        What could not be told is told every missed_seconds; what a process held that was not heard of for
        lease_seconds is taken up. Where the work keeps checkpoints, those of tasks that have ended are cleared.
        """
        self._store = store
        self._holder = store.hold(lease_seconds)
        self._beat_seconds = lease_seconds / BEATS_A_LEASE
        self._runner = runner
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._known: set[str] = set()
        self._running: dict[str, Work] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._closed = threading.Event()
        self._catching_up = CatchingUp(store, missed_seconds)
        self._clearing = None if checkpoints is None else Clearing(store, checkpoints)
        self._threads = [
            threading.Thread(target=self._serve, name=f"tasks-{number}", daemon=True) for number in range(concurrency)
        ]
        for thread in self._threads:
            thread.start()
        self._keeping = threading.Thread(target=self._keep, name="tasks-lease", daemon=True)
        self._keeping.start()

    def submit(self, task: Task) -> None:
        """Have the task run as soon as there is room. A task that has ended, or was submitted before, is left alone."""
        if self._take(task):
            self._waiting.put(task.name)

    def cancel(self, name: str) -> Task:
        """Cancel the task, stop its work for certain, and return it. An ended task is unchanged. Raises NotFound."""
        task = self._store.cancel(name)
        if task.state == TASK_STATE_CANCELLED and (work := self._work_of(task)) is not None:
            work.stop()
        return task

    def recover(self) -> None:
        """Take up what the service left when it ended: publish what it could not, and run unfinished tasks again.

        A task that was under way is pending again, and its next attempt waits in the queue with the others, unless its
        work went on meanwhile: it is followed then. One that was submitted to this owner already is left alone: its
        work may be under way by now. So is one that another process of the service holds, while that lives.
        """
        self._store.publish_missed()
        self._holder.end_dead()
        for task in self._store.unfinished():
            self._take_up(task)

    def close(self) -> None:
        """Let go of the work under way and return; its tasks stay as they are, for recover() after a restart."""
        with self._lock:
            self._closing = True
            works = list(self._running.values())
        for work in works:
            work.release()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        self._catching_up.close()
        if self._clearing is not None:
            self._clearing.close()
        self._closed.set()
        self._keeping.join(_CLOSE_SECONDS)
        try:
            self._holder.leave()
        except SQLAlchemyError:
            _LOG.warning("the database is away: other processes take up this one's tasks once its lease is over")

    def _keep(self) -> None:
        """Show that this process lives, and see to the tasks of those that do not."""
        while not self._closed.wait(self._beat_seconds):
            try:
                self._holder.beat()
                if not self._closing:
                    self._stop_lost()
                    self._holder.end_dead()
                    for task in self._store.left_behind():
                        self._take_up(task)
            except Exception:  # noqa: BLE001 - such as a database that is away; it is tried again
                _LOG.exception("this process could not show that it lives")

    def _stop_lost(self) -> None:
        """Stop work whose task another process has cancelled; let go of what one took up, not having heard of this."""
        with self._lock:
            running = dict(self._running)
        for name, work in running.items():
            if self._store.get(name).state == TASK_STATE_CANCELLED:
                work.stop()
            elif not self._store.holds(name):
                work.release()

    def _work_of(self, task: Task) -> Work | None:
        """Return the work of a task that is under way here, or elsewhere where that can be known."""
        with self._lock:
            work = self._running.get(task.name)
        try:
            return work or self._runner.find(task)
        except Unavailable as error:
            # Whoever follows it, and the work itself, look at times whether the task was cancelled.
            _LOG.warning("work may go on for a few seconds", task=task.name, reason=error.message)
            return None

    def _take_up(self, task: Task) -> None:
        if not self._take(task):
            return
        mine = False
        try:
            mine = self._store.claim(task.name)
            if mine and task.state == TASK_STATE_RUNNING and not self._runner.outlives:
                self._store.requeue(task.name)
        finally:
            if mine:
                self._waiting.put(task.name)
            else:
                with self._lock:
                    self._known.discard(task.name)

    def _take(self, task: Task) -> bool:
        """Make the task this owner's to run. Return False where it has ended or is so already."""
        with self._lock:
            if task.state not in ACTIVE or task.name in self._known:
                return False
            self._known.add(task.name)
        return True

    def _serve(self) -> None:
        while (name := self._waiting.get()) is not None:
            again = False
            try:
                if not self._closing:
                    again = self._see_through(name) and not self._closing
            except NotFound:
                _LOG.warning("there is no such task any more", task=name)
            except Exception:  # noqa: BLE001 - one task must not end the thread that serves all
                # Such as a database that is locked or away: nothing is known to be done, so it is tried again.
                _LOG.exception("a task could not be seen through; it is tried again", task=name)
                again = not self._closing
            if again:
                time.sleep(_PAUSE_SECONDS)
                self._waiting.put(name)
            else:
                with self._lock:
                    self._known.discard(name)
                # Only now: nothing of the work runs any more that could keep something.
                if self._clearing is not None:
                    self._clearing.soon()

    def _see_through(self, name: str) -> bool:
        """Follow a task's work to its end; return whether it is to be done again, as where its database went away."""
        if not self._store.claim(name):
            return False
        task = self._store.get(name)
        work = self._runner.find(task) if task.state == TASK_STATE_RUNNING else None
        if work is None:
            if task.attempt >= MAX_ATTEMPTS:
                self._store.fail(name, interrupted_too_often(task.attempt))
                return False
            task = self._store.start(name)
            if task.state != TASK_STATE_RUNNING or (work := self._start(task)) is None:
                return False
        with TASKS_RUNNING.labels(task.kind).track_inprogress():
            ending = self._until_it_ends(task, work)
        return self._conclude(task, ending)

    def _start(self, task: Task) -> Work | None:
        """Start the work of an attempt, or fail the task where that is refused."""
        environment = {ATTEMPT_VARIABLE: str(task.attempt), "TRACEPARENT": self._store.traceparent(task.name)}
        try:
            return self._runner.run(task, environment)
        except OSError as error:
            self._store.fail(task.name, Unavailable(f"the work could not be started ({error.strerror}); try again"))
        except FailedPrecondition as error:
            self._store.fail(task.name, error)
        return None

    def _until_it_ends(self, task: Task, work: Work) -> Ending:
        with self._lock:
            self._running[task.name] = work
        try:
            # A cancel or close may have come after the start and before the line above, when it saw no work to stop.
            if self._closing:
                work.release()
            elif self._store.get(task.name).state != TASK_STATE_RUNNING:
                work.stop()
            return work.wait(lambda message: self._tell(task, message))
        except (FairleadError, SQLAlchemyError):
            work.release()
            work.wait(_LOG.warning)
            raise
        finally:
            with self._lock:
                self._running.pop(task.name, None)

    def _conclude(self, task: Task, ending: Ending) -> bool:
        """Leave the task as its work's ending asks for; return whether it is to be done again.

        Work that was let go leaves its task as it is, for whoever takes it up.
        """
        again = False
        if not self._closing and self._store.holds(task.name):
            again = ending.exit_code == INTERRUPTED and self._store.requeue(task.name, attempt=task.attempt)
            if not again:
                self._store.fail(task.name, ending.error or failure_of_ending(ending.exit_code), attempt=task.attempt)
            elif ending.error is not None:
                self._tell(task, f"{ending.error.message}; it is done again")
        # The child may have died between a commit and its publication.
        self._store.publish_missed()
        if self._runner.outlives and not self._closing:
            self._store.tell_again(task.name)
        if not again:
            count_end(self._store.get(task.name))
        return again

    def _tell(self, task: Task, message: str) -> None:
        TaskContext(self._store, task).log("runner", message, level="WARNING")
