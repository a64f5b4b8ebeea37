"""What the tests' Jobs do, in a pod: wait for a file, take memory, fail, or refuse to end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskContext, run_worker


def wait(context: TaskContext) -> Message:
    """Leave a file with the attempt's number beside the one named in the request, and wait for that one to be there."""
    gate = Path(context.request(StringValue).value)
    context.progress(0.5, "waiting")
    context.log("job.wait", "the work is under way")
    gate.with_name(f"{gate.name}.{context.task.attempt}").touch()
    while not gate.exists():
        time.sleep(0.05)
    return StringValue(value=f"attempt {context.task.attempt}")


def stubborn(context: TaskContext) -> Message:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return wait(context)


def grow(context: TaskContext) -> None:
    taken = []
    while True:
        taken.append(bytes(range(256)) * 40_000)


def defect(context: TaskContext) -> None:
    raise ZeroDivisionError("a detail of the machine")


if __name__ == "__main__":
    run_worker(KitSettings(), {handler.__name__: handler for handler in (wait, stubborn, grow, defect)})
