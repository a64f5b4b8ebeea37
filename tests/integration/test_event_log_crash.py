"""The embedded event log among processes that are killed: nothing acknowledged is lost, groups go on."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, open_event_log

# Publishes for ever and tells each number once publish has returned.
PUBLISHER = """
import itertools, sys
from fairlead.kit.events import open_event_log
from fairlead.api.events.v1.events_pb2 import AuditEntry
url, name = sys.argv[1:]
log = open_event_log(url, source="test")
for number in itertools.count():
    log.publish("topic", name, AuditEntry(action=str(number)))
    print(number, flush=True)
"""

# Publishes 300 numbers, some one by one and some in batches.
FINITE_PUBLISHER = """
import sys
from fairlead.kit.events import Draft, open_event_log
from fairlead.api.events.v1.events_pb2 import AuditEntry
url, name = sys.argv[1:]
log = open_event_log(url, source="test")
for start in range(0, 300, 20):
    for number in range(start, start + 10):
        log.publish("topic", name, AuditEntry(action=str(number)))
    log.publish_many("topic", [Draft(name, AuditEntry(action=str(n))) for n in range(start + 10, start + 20)])
log.close()
"""

# Consumes for a group and tells each event before it commits the poll, as "key action offset".
CONSUMER = """
import sys
from fairlead.kit.events import open_event_log
from fairlead.api.events.v1.events_pb2 import AuditEntry
url, group, most = sys.argv[1:]
log = open_event_log(url, source="test")
with log.subscribe(["topic"], group) as subscription:
    print("ready", flush=True)
    while True:
        for event in subscription.poll(max_events=int(most)):
            print(event.key, event.unpack(AuditEntry).action, event.offset, flush=True)
        subscription.commit()
"""


@contextmanager
def child(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def lines_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def kill_and_read(process: subprocess.Popen[str]) -> list[str]:
    """Kill -9 the child and return the whole lines it still told."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    return [line.strip() for line in lines_of(process).read().splitlines(keepends=True) if line.endswith("\n")]


def test_killed_publishers_lose_nothing_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    acknowledged: dict[str, list[int]] = {}
    for round_number in range(8):
        name = f"round{round_number}"
        with child(PUBLISHER, url, name) as publisher:
            first = [int(lines_of(publisher).readline()) for _ in range(20 + 17 * round_number)]
            acknowledged[name] = first + [int(line) for line in kill_and_read(publisher)]
    log = open_event_log(url, source="test")
    events = list(log.replay("topic"))
    log.close()
    assert [event.offset for event in events] == list(range(1, len(events) + 1))
    for name, numbers in acknowledged.items():
        stored = [int(event.unpack(AuditEntry).action) for event in events if event.key == name]
        assert stored == list(range(len(stored))), "in order and without gaps"
        assert stored[: len(numbers)] == numbers, "everything acknowledged is there"
        assert len(stored) <= len(numbers) + 1, "at most the one under way is there without acknowledgement"


def test_many_publishing_processes_and_two_members_of_a_group(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    names = [f"p{n}" for n in range(4)]
    with child(CONSUMER, url, "group", "50") as one, child(CONSUMER, url, "group", "50") as two:
        publishers = [subprocess.Popen([sys.executable, "-c", FINITE_PUBLISHER, url, name]) for name in names]
        log = open_event_log(url, source="test")
        got: list[tuple[str, int, int]] = []
        with log.subscribe(["topic"], "witness") as witness:
            while len(got) < 300 * len(names):
                got += [(e.key, int(e.unpack(AuditEntry).action), e.offset) for e in witness.poll()]
                witness.commit()
        assert [publisher.wait() for publisher in publishers] == [0] * len(names)
        wait_until_committed(tmp_path, "group", len(got))
        told = [line for process in (one, two) for line in kill_and_read(process) if line != "ready"]
        log.close()
    for name in names:
        assert [number for key, number, _ in got if key == name] == list(range(300)), "in order by key"
    assert Counter(told) == Counter(f"{key} {number} {offset}" for key, number, offset in got), (
        "the members of the group got each event once between them"
    )


def test_a_killed_consumers_lease_goes_to_another_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    count = 30_000  # far more than fits into the pipe, so the consumer is killed halfway whatever the machine's load
    log = open_event_log(url, source="test")
    log.publish_many("topic", [Draft("k", AuditEntry(action=str(n))) for n in range(count)])
    with child(CONSUMER, url, "group", "10") as first:
        told = [lines_of(first).readline() for _ in range(36)]
        told += kill_and_read(first)
    by_first = [int(line.split()[2]) for line in told if line.strip() != "ready"]
    assert by_first == list(range(1, len(by_first) + 1))
    by_second: list[int] = []
    with log.subscribe(["topic"], "group") as second:
        while not by_second or by_second[-1] < count:
            by_second += [event.offset for event in second.poll(timeout=1.0)]
    log.close()
    assert by_second == list(range(by_second[0], count + 1))
    assert len(by_first) - 10 < by_second[0] <= len(by_first) + 2, "nothing is lost, at most one poll comes twice"


def test_a_stopped_consumer_cannot_commit_for_its_successor(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    log = open_event_log(url, source="test")
    log.publish_many("topic", [Draft("k", AuditEntry(action=str(n))) for n in range(5)])
    with child(CONSUMER, url, "group", "5") as first, log.subscribe(["topic"], "group") as second:
        assert lines_of(first).readline().strip() == "ready"
        assert [lines_of(first).readline().split()[1] for _ in range(5)] == ["0", "1", "2", "3", "4"]
        wait_until_committed(tmp_path, "group", 5)
        time.sleep(0.3)  # it waits for events by now, holding no lock of the file
        first.send_signal(signal.SIGSTOP)
        log.publish("topic", "k", AuditEntry(action="5"))
        while not (events := second.poll(timeout=1.0)):
            pass
        assert [event.offset for event in events] == [6]
        first.send_signal(signal.SIGCONT)
        log.publish("topic", "k", AuditEntry(action="6"))
        assert [event.offset for event in second.poll(timeout=30.0)] == [7]
        assert kill_and_read(first) == [], "the member that woke up got nothing while another held the lease"
    log.close()


def wait_until_committed(folder: Path, group: str, offset: int) -> None:
    """Wait until the group has committed `offset`, as another process sees it."""
    rows = sqlite3.connect(folder / "events.db")
    deadline = time.monotonic() + 60
    while rows.execute("SELECT committed_offset FROM consumer_groups WHERE group_name = ?", (group,)).fetchone() != (
        offset,
    ):
        assert time.monotonic() < deadline, "the group does not get on"
        time.sleep(0.05)
    rows.close()
