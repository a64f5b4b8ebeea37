"""The event logs that the suite runs on, and what only their own tools can do."""

from __future__ import annotations

import sqlite3
import uuid
from abc import ABC, abstractmethod
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from fairlead.kit.events import EventLog, open_event_log, topics


class Store(ABC):
    """One place of events: opened by any number of logs, closed at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: list[EventLog] = []

    def open(self, source: str = "test") -> EventLog:
        """Return a log, closed by the test or after it."""
        log = self.connect(source)
        self._opened.append(log)
        return log

    def topic(self) -> str:
        """Return the name of a new topic, which has a topic of dead letters."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.make(name, 3)
        self.make(topics.dead_letter(name), 1)
        return name

    def close(self) -> None:
        for log in self._opened:
            log.close()

    def connect(self, source: str) -> EventLog:
        """Return a log, as services open it."""
        return open_event_log(self.url, source=source)

    @abstractmethod
    def make(self, topic: str, partitions: int) -> None:
        """Make a topic, with so many partitions where the store knows more than one."""

    @abstractmethod
    def members_at_work(self, members: int) -> int:
        """Return how many of a group's members get events of a topic of three partitions."""

    @abstractmethod
    def put_raw(self, topic: str, key: str, payload: bytes) -> None:
        """Publish as someone does who knows nothing of CloudEvents."""


class SqliteStore(Store):
    """A file."""

    def __init__(self, folder: Path, max_age_seconds: float = 86_400.0) -> None:
        super().__init__(f"sqlite:///{folder}/events.db")
        self._max_age = timedelta(seconds=max_age_seconds)
        self._path = folder / "events.db"

    def connect(self, source: str) -> EventLog:
        return open_event_log(self.url, source=source, max_age=self._max_age)

    def make(self, topic: str, partitions: int) -> None:
        """Nothing to do: the first event makes a topic."""

    def members_at_work(self, members: int) -> int:
        return min(members, 1)

    def put_raw(self, topic: str, key: str, payload: bytes) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute("INSERT OR IGNORE INTO topics (name) VALUES (?)", (topic,))
            connection.execute("UPDATE topics SET end_offset = end_offset + 1 WHERE name = ?", (topic,))
            connection.execute(
                """
                INSERT INTO events (topic_id, event_offset, key, id, type, source, time_us, trace, payload)
                SELECT topic_id, end_offset, ?, '', '', '', 0, '', ? FROM topics WHERE name = ?
                """,
                (key, payload, topic),
            )


class KafkaStore(Store):
    """A broker."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(f"kafka://{bootstrap}")
        self._bootstrap = bootstrap

    def make(self, topic: str, partitions: int) -> None:
        from kafka.admin import KafkaAdminClient, NewTopic

        admin = KafkaAdminClient(bootstrap_servers=self._bootstrap)
        admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])
        admin.close()

    def members_at_work(self, members: int) -> int:
        return min(members, 3)

    def put_raw(self, topic: str, key: str, payload: bytes) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=self._bootstrap)
        producer.send(topic, payload, key=key.encode()).get(30)
        producer.close()
