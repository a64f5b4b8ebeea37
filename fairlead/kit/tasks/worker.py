"""The child process that does the work of one task."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from google.protobuf.message import Message

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_PENDING, TASK_STATE_RUNNING
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.errors import FairleadError, Unimplemented
from fairlead.kit.logging import configure_logging, get_logger
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks.context import TaskContext
from fairlead.kit.tasks.failures import failure_of
from fairlead.kit.tasks.parent_watch import end_with_parent
from fairlead.kit.tasks.store import TaskStore
from fairlead.kit.telemetry import configure_telemetry, extract, span

ATTEMPT_VARIABLE = "FAIRLEAD_TASK_ATTEMPT"
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOG = get_logger("fairlead.tasks")

# The returned message is the task's result. A handler must be safe to run again: attempt > 1 after a restart.
Handler = Callable[[TaskContext], Message | None]


def run_worker(settings: KitSettings, handlers: Mapping[str, Handler], *, migrations: Sequence[Path] = ()) -> None:
    """Do the work of the task named on the command line, and leave its end in the store.

    A FairleadError fails the task with its code and message; any other exception as INTERNAL, with the traceback in
    the log of the service only. The process ends when its parent dies, and on SIGTERM, which leaves the task as it is.
    """
    end_with_parent()
    signal.signal(signal.SIGTERM, _leave)
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: python -m {settings.service}.worker TASK_NAME")
    configure_logging(settings.service, settings.log_level, settings.log_format)
    configure_telemetry(settings.service)
    engine = backends.database(settings)
    migrate(engine, _MIGRATIONS, *migrations)
    events = backends.event_log(settings)
    try:
        perform(TaskStore(engine, events, settings.service), handlers, sys.argv[1])
    except FairleadError as error:
        raise SystemExit(error.message) from error
    finally:
        events.close()
        engine.dispose()


def perform(store: TaskStore, handlers: Mapping[str, Handler], name: str) -> None:
    """Run the handler of the task's kind and end the task with what it returns or raises. Raises NotFound."""
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
            result = handlers[task.kind](TaskContext(store, task))
        except Exception as error:  # noqa: BLE001 - whatever the work raises is how it failed
            if not isinstance(error, FairleadError):
                _LOG.exception("the work failed", task=name)
            store.fail(name, failure_of(error), attempt=attempt)
        else:
            store.succeed(name, result, attempt=attempt)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Unwind, so that what the work opened is closed and temporary files go."""
    raise SystemExit(128 + number)
