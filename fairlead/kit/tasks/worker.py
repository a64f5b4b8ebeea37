"""The child process that does the work of one task."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType

from google.protobuf.message import Message
from sqlalchemy.exc import SQLAlchemyError

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_PENDING, TASK_STATE_RUNNING
from fairlead.kit import backends
from fairlead.kit.database import migrate, unavailable
from fairlead.kit.errors import FairleadError, Unimplemented
from fairlead.kit.logging import configure_logging, get_logger
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks.context import TaskContext
from fairlead.kit.tasks.failures import failure_of
from fairlead.kit.tasks.parent_watch import end_with_parent
from fairlead.kit.tasks.store import TaskStore
from fairlead.kit.tasks.task_watch import ending_with_task
from fairlead.kit.tracing import configure_tracing, extract, span

ATTEMPT_VARIABLE = "FAIRLEAD_TASK_ATTEMPT"
# How the process ends where the work is to be done again; sysexits.h calls it a temporary failure.
INTERRUPTED = os.EX_TEMPFAIL
# The task has ended, badly; its Job says so too then.
FAILED = 1
PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.5
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOG = get_logger("fairlead.tasks")

# The returned message is the task's result. A handler must be safe to run again: attempt > 1 after a restart.
Handler = Callable[[TaskContext], Message | None]


def run_worker(settings: KitSettings, handlers: Mapping[str, Handler], *, migrations: Sequence[Path] = ()) -> None:
    """Do the work of the task named on the command line, and leave its end in the store.

    A FairleadError fails the task with its code and message; any other exception as INTERNAL, with the traceback in
    the log of the service only, and ends the process with exit code 1; where the database went away under the work,
    the owner has it done again. The process ends when its parent dies, or without one when the task needs it no more,
    and on SIGTERM, which leaves the task as it is.
    """
    watched = end_with_parent()
    signal.signal(signal.SIGTERM, _leave)
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: python -m {settings.service}.worker TASK_NAME")
    configure_logging(settings.service, settings.log_level, settings.log_format)
    configure_tracing(settings.service, settings.otlp_endpoint, settings.trace_ratio)
    engine = backends.database(settings)
    events = backends.event_log(settings)
    try:
        migrate(engine, _MIGRATIONS, *migrations)
        perform(TaskStore(engine, events, settings.service), handlers, sys.argv[1], watched=watched)
    except FairleadError as error:
        raise SystemExit(error.message) from error
    except SQLAlchemyError as error:
        if unavailable(error) is None:
            raise
        _LOG.exception("there is no database to work with; the owner tries again", task=sys.argv[1])
        raise SystemExit(INTERRUPTED) from error
    finally:
        events.close()
        engine.dispose()


def perform(store: TaskStore, handlers: Mapping[str, Handler], name: str, *, watched: bool) -> None:
    """Run the handler of the task's kind and end the task with what it returns or raises.

    Raises NotFound, and SystemExit where the work failed.
    """
    task = store.get(name)
    given = os.environ.pop(ATTEMPT_VARIABLE, None)
    # An owner that gave a number has started that attempt itself, and would not know of one more.
    if given is None and task.state == TASK_STATE_PENDING:
        task = store.start(name)
    attempt = task.attempt if given is None else int(given)
    if task.state != TASK_STATE_RUNNING or task.attempt != attempt:
        _LOG.info("the task is not to be run any more", task=name, attempt=attempt)
        return
    with span(f"task {task.kind}", extract({"traceparent": os.environ.get("TRACEPARENT", "")}), task=name):
        try:
            if task.kind not in handlers:
                raise Unimplemented(f"this service has no work of the kind '{task.kind}'")
            with _wanted(store, name, attempt, watched):
                result = handlers[task.kind](TaskContext(store, task))
        except Exception as error:
            if unavailable(error):
                _LOG.exception("the work lost its database; its owner has it done again", task=name)
                raise SystemExit(INTERRUPTED) from error
            if not isinstance(error, FairleadError):
                _LOG.exception("the work failed", task=name)
            failure = failure_of(error)
            _patiently(lambda: store.fail(name, failure, attempt=attempt))
            raise SystemExit(FAILED) from error
        else:
            _patiently(lambda: store.succeed(name, result, attempt=attempt))


def _wanted(store: TaskStore, name: str, attempt: int, watched: bool) -> AbstractContextManager[None]:
    return nullcontext() if watched else ending_with_task(store, name, attempt)


def _patiently(end: Callable[[], bool]) -> None:
    """End a task, once the database is there: a restart of it must not cost what the work came to."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            end()
            return
        except SQLAlchemyError as error:
            if unavailable(error) is None or time.monotonic() > give_up:
                raise
            _LOG.warning("the task's end waits for the database", error=str(error))
        time.sleep(_PAUSE_SECONDS)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Unwind, so that what the work opened is closed and temporary files go."""
    raise SystemExit(128 + number)
