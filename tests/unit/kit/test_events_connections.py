"""Sharing the embedded event log's file: locked files, threads, forks."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.events import open_event_log, topics
from fairlead.kit.events.sqlite.connections import Connections, enable_wal


def test_a_file_that_stays_locked_is_unavailable_and_nothing_is_written(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    enable_wal(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    connections = Connections(path, synchronous="FULL", patience=0.2)
    with pytest.raises(Unavailable, match="locked by other writers") as caught:
        connections.write(lambda connection: connection.execute("INSERT INTO t VALUES (1)"))
    assert caught.value.retry_after
    other.execute("COMMIT")
    connections.write(lambda connection: connection.execute("INSERT INTO t VALUES (2)").fetchall())
    assert other.execute("SELECT x FROM t").fetchall() == [(2,)]
    other.close()
    connections.close()


def test_work_that_fails_is_rolled_back_and_the_connection_goes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    enable_wal(path)
    connections = Connections(path, synchronous="FULL")
    connections.write(lambda connection: connection.execute("CREATE TABLE t (x)").fetchall())

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (1)")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        connections.write(half)
    with connections.connection() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    connections.close()


def test_a_forked_child_publishes_with_its_own_connections_and_ids(tmp_path: Path) -> None:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="test")
    subscription = log.subscribe([topics.LOGS], "group")
    log.publish(topics.LOGS, "parent", AuditEntry())
    subscription.poll()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            log.publish(topics.LOGS, "child", AuditEntry())
            subscription.close()
            try:
                subscription.poll()
            except FailedPrecondition:
                code = 0
            log.close()
        finally:
            os._exit(code)
    log.publish(topics.LOGS, "parent", AuditEntry())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    events = list(log.replay(topics.LOGS))
    assert sorted(event.key for event in events) == ["child", "parent", "parent"]
    assert len({event.id for event in events}) == 3
    assert len(subscription.poll()) >= 1, "the parent's lease is untouched"
    log.close()
