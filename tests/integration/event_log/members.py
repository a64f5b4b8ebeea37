"""Publishers and consumers that a test can kill or stop: `python -m tests.integration.event_log.members ROLE ...`."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Event, open_event_log
from fairlead.kit.logging import configure_logging
from tests.data import ROOT


def publish(url: str, topic: str, key: str) -> None:
    """Publish numbers for ever and tell each once publish has returned."""
    log = open_event_log(url, source="test")
    for number in itertools.count():
        log.publish(topic, key, AuditEntry(action=str(number)))
        print(number, flush=True)


def consume(url: str, topic: str, group: str, most: str) -> None:
    """Consume for a group and tell each event before the poll is committed."""
    log = open_event_log(url, source="test")
    with log.subscribe([topic], group) as subscription:
        print("ready", flush=True)
        while True:
            for event in subscription.poll(max_events=int(most)):
                tell(event)
            subscription.commit()


def hold(url: str, topic: str, group: str) -> None:
    """Poll once and tell what came; commit it when told to; then consume as the others do."""
    log = open_event_log(url, source="test")
    with log.subscribe([topic], group) as subscription:
        print("ready", flush=True)
        while not (events := subscription.poll()):
            pass
        for event in events:
            tell(event)
        sys.stdin.readline()
        subscription.commit()
        print("committed", flush=True)
        while True:
            for event in subscription.poll():
                tell(event)
            subscription.commit()


def tell(event: Event) -> None:
    print(event.unpack(AuditEntry).action, flush=True)


@contextmanager
def child(role: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a role in a process of its own, killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, role, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def lines_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def next_line(process: subprocess.Popen[str]) -> str:
    return lines_of(process).readline().strip()


def kill_and_read(process: subprocess.Popen[str]) -> list[str]:
    """Kill -9 the child and return the whole lines it still told."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    return [line.strip() for line in lines_of(process).read().splitlines(keepends=True) if line.endswith("\n")]


def say(process: subprocess.Popen[str], line: str) -> None:
    """Give a child its next line of input."""
    assert process.stdin is not None
    process.stdin.write(line + os.linesep)
    process.stdin.flush()


ROLES: dict[str, Callable[..., None]] = {"publish": publish, "consume": consume, "hold": hold}

if __name__ == "__main__":
    # To stderr: stdout is what the test reads.
    configure_logging("test")
    ROLES[sys.argv[1]](*sys.argv[2:])
