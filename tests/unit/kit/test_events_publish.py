"""What publishing to the embedded event log promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry, DeploymentChanged
from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from fairlead.kit.events import Draft, open_event_log, topics
from fairlead.kit.telemetry import configure_telemetry, extract, span


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/events.db"


def entry(action: str) -> AuditEntry:
    return AuditEntry(action=action)


def test_offsets_of_a_topic_count_from_one_whatever_other_topics_do(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    for number in range(3):
        log.publish(topics.AUDIT, "p", entry(str(number)))
        log.publish(topics.ALERTS, "p", entry(str(number)))
    assert [event.offset for event in log.replay(topics.AUDIT)] == [1, 2, 3]
    assert [event.offset for event in log.replay(topics.ALERTS)] == [1, 2, 3]
    log.close()


def test_what_was_published_is_there_after_reopening(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    log.publish_many(topics.AUDIT, [Draft("a", entry("1")), Draft("b", entry("2"))])
    log.close()
    again = open_event_log(url_of(tmp_path), source="test")
    assert [(e.key, e.unpack(AuditEntry).action) for e in again.replay(topics.AUDIT)] == [("a", "1"), ("b", "2")]
    again.close()


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


def test_headers_are_cloud_events_attributes(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="trainer")
    before = datetime.now(UTC)
    log.publish(topics.AUDIT, "projects/default", entry("x"))
    (event,) = log.replay(topics.AUDIT)
    assert dict(event.headers) == {
        "specversion": "1.0",
        "id": event.id,
        "source": "trainer",
        "type": "fairlead.api.events.v1.AuditEntry",
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "subject": "projects/default",
        "datacontenttype": "application/protobuf",
    }
    assert event.id[14] == "7", "ids are UUIDv7"
    assert before - timedelta(milliseconds=1) <= event.time <= datetime.now(UTC)
    log.close()


def test_the_publishers_trace_travels_with_the_event(tmp_path: Path) -> None:
    configure_telemetry("test")
    log = open_event_log(url_of(tmp_path), source="test")
    with span("publish") as current:
        log.publish(topics.AUDIT, "p", entry("x"))
        trace_id = current.get_span_context().trace_id
    (event,) = log.replay(topics.AUDIT)
    with span("consume", parent=extract(event.headers)) as following:
        assert following.get_span_context().trace_id == trace_id
    log.close()


def test_unpack_refuses_another_type(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    log.publish(topics.AUDIT, "p", entry("x"))
    (event,) = log.replay(topics.AUDIT)
    with pytest.raises(InvalidArgument, match=r"carries a fairlead\.api\.events\.v1\.AuditEntry"):
        event.unpack(DeploymentChanged)
    log.close()


def test_an_event_beyond_the_size_limit_is_refused(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    with pytest.raises(InvalidArgument, match="are the most"):
        log.publish(topics.AUDIT, "p", entry("x" * (64 * 1024 * 1024)))
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


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = open_event_log(url_of(tmp_path), source="test")
    log.close()
    log.close()
    with pytest.raises(FailedPrecondition, match="closed"):
        log.publish(topics.AUDIT, "p", entry("x"))
