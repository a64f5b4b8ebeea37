"""Publishers and consumers that a test can kill or stop: `python -m tests.integration.event_log.members ROLE ...`."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Event, open_event_log
from fairlead.kit.logging import configure_logging
from tests.data import ROOT

from .reading import PATIENCE_SECONDS


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


def hold(url: str, topic: str, group: str, count: str) -> None:
    """Poll so many events and tell them; commit them when told to; then consume as the others do."""
    log = open_event_log(url, source="test")
    with log.subscribe([topic], group) as subscription:
        print("ready", flush=True)
        held: list[Event] = []
        while len(held) < int(count):
            held += subscription.poll()
        for event in held:
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


class Child:
    """A role in a process of its own, and what it tells."""

    def __init__(self, role: str, *arguments: str) -> None:
        command = [sys.executable, "-m", __name__, role, *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT
        )
        self._lines: Queue[str] = Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def next_line(self) -> str:
        """Return the next line it tells; fails where none comes."""
        try:
            return self._lines.get(timeout=PATIENCE_SECONDS)
        except Empty:
            raise AssertionError(f"the process told nothing more (exit status {self._process.poll()})") from None

    def say(self, line: str) -> None:
        """Give it its next line of input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def stop(self) -> None:
        """Stop it as a machine does that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> list[str]:
        """Kill -9 it and return the lines it still told."""
        self._process.kill()
        self._process.wait()
        self._reading.join()
        return [self._lines.get() for _ in range(self._lines.qsize())]

    def close(self) -> None:
        """Let go of its pipes, once it is killed."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # What it was telling when it was killed may be half a line.
            if line.endswith("\n"):
                self._lines.put(line.strip())


@contextmanager
def child(role: str, *arguments: str) -> Iterator[Child]:
    """Run a role in a process of its own, killed at the end."""
    process = Child(role, *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.close()


ROLES: dict[str, Callable[..., None]] = {"publish": publish, "consume": consume, "hold": hold}

if __name__ == "__main__":
    # To stderr: stdout is what the test reads.
    configure_logging("test")
    ROLES[sys.argv[1]](*sys.argv[2:])
