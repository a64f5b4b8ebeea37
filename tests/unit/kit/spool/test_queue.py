"""The queue of events that wait on local disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import Draft, SpoolLimits
from fairlead.kit.events.cloud_events import Envelope, seal
from fairlead.kit.events.spool.queue import OVERHEAD_BYTES, REFUSED_KEPT, SpoolQueue

TABLES_OF_VERSION_1 = (
    """
    CREATE TABLE waiting (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL,
        type TEXT NOT NULL, source TEXT NOT NULL, time_us INTEGER NOT NULL, extensions TEXT NOT NULL,
        payload BLOB NOT NULL, size INTEGER NOT NULL
    )
    """,
    "CREATE INDEX waiting_by_topic ON waiting (topic, sequence)",
    "CREATE TABLE topics (name TEXT PRIMARY KEY, events INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID",
)


def envelope(name: str, size: int = 0) -> Envelope:
    return seal(Draft("key", AuditEntry(action="x" * size), name), "test", {"traceparent": "00-a-b-01"})


def ids(queue: SpoolQueue, topic: str) -> list[str]:
    return [spooled.envelope.id for spooled in queue.head(topic, 1000, 10**9)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "serving.db"


def test_events_come_out_in_order_as_they_were_put_in(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path))
    given = [envelope("a"), envelope("b")]

    queue.put("t", given)
    queue.put("t", [last := envelope("c")])

    assert [spooled.envelope for spooled in queue.head("t", 10, 10**9)] == [*given, last]


def test_they_are_there_for_whoever_opens_the_file_next(path: Path) -> None:
    first = SpoolQueue(SpoolLimits(path))
    first.put("t", [envelope("a")])
    first.close()

    assert ids(SpoolQueue(SpoolLimits(path)), "t") == ["a"]


def test_topics_wait_each_for_themselves(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path))
    queue.put("t", [envelope("a"), envelope("b")])
    queue.put("u", [envelope("c")])

    assert queue.waiting() == {"t": 2, "u": 1}
    assert ids(queue, "u") == ["c"]


def test_what_is_taken_out_waits_no_more_and_frees_its_bytes(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path))
    queue.put("t", [envelope("a"), envelope("b")])

    queue.remove([spooled.sequence for spooled in queue.head("t", 1, 10**9)])
    assert (ids(queue, "t"), queue.waiting()) == (["b"], {"t": 1})

    queue.remove([spooled.sequence for spooled in queue.head("t", 1, 10**9)])
    assert (queue.waiting(), queue.size()) == ({}, (0, 0))


def test_taking_out_what_is_gone_already_changes_nothing(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path))
    queue.put("t", [envelope("a"), envelope("b")])
    (first, _) = queue.head("t", 2, 10**9)

    queue.remove([first.sequence])
    queue.remove([first.sequence])

    assert queue.waiting() == {"t": 1}


def test_a_page_has_bounded_bytes_and_at_least_one_event(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path))
    queue.put("t", [envelope("a", 5000), envelope("b", 5000)])

    assert [spooled.envelope.id for spooled in queue.head("t", 10, 100)] == ["a"]


def test_a_full_spool_refuses_and_keeps_what_it_has(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path, max_bytes=10_000, when_full="refuse"))
    queue.put("t", [envelope("a", 8000)])

    with pytest.raises(Unavailable, match="FAIRLEAD_EVENTS_SPOOL_MB") as caught:
        queue.put("t", [envelope("b", 8000)])

    assert caught.value.retry_after
    assert ids(queue, "t") == ["a"]


def test_or_drops_the_oldest_of_all_topics_and_counts_them(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path, max_bytes=3 * (1000 + OVERHEAD_BYTES + 200), when_full="drop_oldest"))
    queue.put("t", [envelope("a", 1000)])
    queue.put("u", [envelope("b", 1000)])
    queue.put("t", [envelope("c", 1000)])

    dropped = queue.put("t", [envelope("d", 1000), envelope("e", 1000)])

    assert dropped == {"t": 1, "u": 1}
    assert (ids(queue, "t"), ids(queue, "u")) == (["c", "d", "e"], [])
    assert queue.waiting() == {"t": 3}


def test_what_is_larger_than_the_whole_spool_drops_nothing(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path, max_bytes=5000, when_full="drop_oldest"))
    queue.put("t", [envelope("a", 1000)])

    with pytest.raises(Unavailable):
        queue.put("t", [envelope("b", 6000)])

    assert ids(queue, "t") == ["a"]


def test_what_kafka_refused_waits_no_more_and_is_kept_with_the_reason(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path))
    given = [envelope("a"), envelope("b")]
    queue.put("t", given)
    (first, _) = queue.head("t", 2, 10**9)

    assert queue.set_aside(first.sequence, "too large") == 0
    assert queue.set_aside(first.sequence, "again, by a process that knew it not") == 0

    assert (queue.waiting(), ids(queue, "t")) == ({"t": 1}, ["b"])
    assert queue.refused() == [(first, "too large")]


def test_of_what_kafka_refused_the_newest_are_kept(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path, max_bytes=10**9))
    queue.put("t", [envelope(str(number)) for number in range(REFUSED_KEPT + 2)])

    gone = [queue.set_aside(spooled.sequence, "no") for spooled in queue.head("t", 10**6, 10**9)]

    assert sum(gone) == 2
    assert [refused.envelope.id for refused, _ in queue.refused()] == [str(n) for n in range(2, REFUSED_KEPT + 2)]


def test_of_what_kafka_refused_no_more_bytes_are_kept_than_may_wait(path: Path) -> None:
    queue = SpoolQueue(SpoolLimits(path, max_bytes=10_000))
    for name in ("a", "b", "c"):
        queue.put("t", [envelope(name, 4_000)])
        queue.set_aside(queue.head("t", 1, 10**9)[0].sequence, "no")

    assert [refused.envelope.id for refused, _ in queue.refused()] == ["b", "c"]


def test_a_spool_of_version_1_is_read_on(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as old:
        for table in TABLES_OF_VERSION_1:
            old.execute(table)
        old.execute("INSERT INTO waiting VALUES (7, 't', 'key', 'a', 'type', 'source', 1, '{}', x'', 128)")
        old.execute("INSERT INTO topics VALUES ('t', 1, 128)")
        old.execute("PRAGMA user_version = 1")
        old.commit()

    queue = SpoolQueue(SpoolLimits(path))

    assert ids(queue, "t") == ["a"]
    queue.set_aside(7, "no")
    assert queue.waiting() == {} and len(queue.refused()) == 1
