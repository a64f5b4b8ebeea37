"""A worker whose handlers do what real work may do: end well, badly, not at all, or by a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskContext, run_worker


def echo(context: TaskContext) -> Message:
    text = context.request(StringValue).value
    for number in range(20):
        context.log("sample.echo", f"line {number}", number=number)
    context.progress(0.5, "halfway", resource="projects/p/things/one")
    return StringValue(value=f"{text}, attempt {context.task.attempt}")


def nothing(context: TaskContext) -> None:
    context.progress(0.9)


def refuse(context: TaskContext) -> None:
    raise InvalidArgument("the file is empty", violations=[FieldViolation("file", "has 0 bytes")])


def defect(context: TaskContext) -> None:
    raise ZeroDivisionError("a secret of the machine")


def exhaust(context: TaskContext) -> None:
    raise MemoryError


def crash(context: TaskContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(context: TaskContext) -> None:
    sys.exit(3)


def wait(context: TaskContext) -> Message:
    """Announce this process by a file beside the one named in the request, and wait for that one to be there."""
    gate = Path(context.request(StringValue).value)
    gate.with_name(f"{gate.name}.{os.getpid()}.started").touch()
    while not gate.exists():
        time.sleep(0.02)
    return StringValue(value=f"attempt {context.task.attempt}")


def wait_and_read(context: TaskContext) -> Message:
    """As wait, and then read from the database."""
    done = wait(context)
    context.request(StringValue)
    return done


def stubborn(context: TaskContext) -> Message:
    """Ignore SIGTERM, in this process and in one that it starts, and wait."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gate = Path(context.request(StringValue).value)
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True);"
            " time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    gate.with_name(f"{gate.name}.{child.pid}.child").touch()
    return wait(context)


HANDLERS = {
    handler.__name__: handler
    for handler in (echo, nothing, refuse, defect, exhaust, crash, leave, wait, wait_and_read, stubborn)
}

if __name__ == "__main__":
    run_worker(KitSettings(), HANDLERS)
