"""What is special about publishing to the embedded event log; tests/integration/event_log has what all logs promise."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from fairlead.kit.events import Draft, Position, open_event_log, topics


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/events.db"


def entry(action: str) -> AuditEntry:
    return AuditEntry(action=action)


def test_a_batch_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Draft]:
        yield Draft("a", entry("1"))
        raise RuntimeError("the source broke")

    log = open_event_log(url_of(tmp_path), source="test")
    with pytest.raises(RuntimeError):
        log.publish_many(topics.AUDIT, broken())
    log.publish_many(topics.AUDIT, [])
    assert log.end_position(topics.AUDIT, "a").offset == 0
    log.close()


@pytest.mark.parametrize("url", ["mongodb://host", "sqlite://", "sqlite:///", "sqlite:///:memory:", "/a/path", ""])
def test_a_url_of_no_event_log_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="sqlite:///path"):
        open_event_log(url, source="test")


def test_the_folder_is_made_where_absent(tmp_path: Path) -> None:
    open_event_log(url_of(tmp_path / "a" / "b"), source="test").close()
    assert (tmp_path / "a" / "b" / "events.db").is_file()


def test_a_file_that_is_no_event_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(FailedPrecondition, match="is not an event log"):
        open_event_log(url_of(tmp_path), source="test")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPrecondition, match="can't be made"):
        open_event_log(url_of(tmp_path / "file"), source="test")


def test_a_log_of_a_newer_fairlead_is_refused(tmp_path: Path) -> None:
    open_event_log(url_of(tmp_path), source="test").close()
    with sqlite3.connect(tmp_path / "events.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(FailedPrecondition, match="newer Fairlead"):
        open_event_log(url_of(tmp_path), source="test")


def test_an_unknown_topic_is_empty(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    assert list(log.replay("unknown")) == []
    assert log.end_position("unknown", "k") == Position(0, 0)
    log.close()


def test_offsets_count_by_topic(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    for number in range(3):
        log.publish(topics.AUDIT, "p", entry(str(number)))
        log.publish(topics.ALERTS, "p", entry(str(number)))
    assert [event.offset for event in log.replay(topics.AUDIT)] == [1, 2, 3]
    assert [event.offset for event in log.replay(topics.ALERTS)] == [1, 2, 3]
    log.close()
