"""Events that are published, trimmed or put aside while a backup is being made: none is lost, and none moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.admin.backup.events import dump_topics
from fairlead.admin.backup.events_restore import restore_events
from fairlead.admin.backup.events_sqlite import SqliteEvents
from fairlead.admin.backup.files import BackupFolder
from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, EventLog, open_event_log
from tests.integration.backup import small

TOPIC, GROUP = "t", "g"


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """Ten events, six of which a group has done."""
    log = open_event_log(f"sqlite:///{tmp_path}/source.db", source="test")
    publish(log, 0, 10)
    with log.subscribe([TOPIC], GROUP) as subscription:
        assert len(subscription.poll(max_events=6)) == 6
        subscription.commit()
    return log


class BusyEvents(SqliteEvents):
    """An event log that services use at the worst of times: as soon as its ends were read."""

    def __init__(self, path: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__(path)
        self._meanwhile = meanwhile

    def ends(self, topic: str) -> dict[int, int]:
        """Return the ends, and go on at once."""
        found = dict(super().ends(topic))
        self._meanwhile()
        return found


def publish(log: EventLog, first: int, end: int) -> None:
    log.publish_many(TOPIC, (Draft("k", AuditEntry(action=str(n)), f"e{n}") for n in range(first, end)))


def moved(source: SqliteEvents, folder: Path) -> EventLog:
    """Back a log up and return the one that was restored from it."""
    (folder / "backup").mkdir()
    dump = dump_topics(source, BackupFolder(folder / "backup"), source.groups(), True, small.said)
    source.close()
    target = SqliteEvents(folder / "target.db")
    restore_events(target, dump, folder / "backup", small.said)
    target.close()
    return open_event_log(f"sqlite:///{folder}/target.db", source="test")


def places(log: EventLog) -> list[tuple[int, str]]:
    return [(event.offset, event.id) for event in log.replay(TOPIC)]


def test_events_published_while_a_topic_is_copied_move_no_other(log: EventLog, tmp_path: Path) -> None:
    restored = moved(BusyEvents(tmp_path / "source.db", lambda: publish(log, 10, 13)), tmp_path)

    assert places(restored) == [(n + 1, f"e{n}") for n in range(13)]
    with restored.subscribe([TOPIC], GROUP) as subscription:
        assert [event.id for event in subscription.poll()] == [f"e{n}" for n in range(6, 13)]


def test_new_events_follow_on_those_that_were_restored(log: EventLog, tmp_path: Path) -> None:
    restored = moved(BusyEvents(tmp_path / "source.db", lambda: publish(log, 10, 13)), tmp_path)

    publish(restored, 13, 14)

    assert places(restored)[-1] == (14, "e13")


def test_events_that_retention_drops_from_the_middle_of_a_copy_move_no_other(log: EventLog, tmp_path: Path) -> None:
    import sqlite3

    source = SqliteEvents(tmp_path / "source.db")
    with sqlite3.connect(tmp_path / "source.db") as connection:
        connection.execute("DELETE FROM events WHERE event_offset IN (3, 4)")

    restored = moved(source, tmp_path)

    assert places(restored) == [(n + 1, f"e{n}") for n in range(10) if n not in (2, 3)]
    with restored.subscribe([TOPIC], GROUP) as subscription:
        assert [event.id for event in subscription.poll()] == [f"e{n}" for n in range(6, 10)]


def test_a_topic_whose_positions_alone_are_kept_goes_on_behind_them(log: EventLog, tmp_path: Path) -> None:
    source = SqliteEvents(tmp_path / "source.db")
    (tmp_path / "backup").mkdir()
    dump = dump_topics(source, BackupFolder(tmp_path / "backup"), source.groups(), False, small.said)
    target = SqliteEvents(tmp_path / "target.db")
    restore_events(target, dump, tmp_path / "backup", small.said)
    restored = open_event_log(f"sqlite:///{tmp_path}/target.db", source="test")

    publish(restored, 10, 11)

    assert places(restored) == [(11, "e10")]
