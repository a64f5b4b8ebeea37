"""One store of each kind; every test of the suite runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.kit.events import EventLog

from .stores import KafkaStore, SqliteStore, Store


@pytest.fixture(params=["sqlite", "kafka"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store of events, shared with other tests where it is a broker."""
    store: Store
    if request.param == "sqlite":
        store = SqliteStore(tmp_path)
    else:
        store = KafkaStore(request.getfixturevalue("kafka_bootstrap"))
    yield store
    store.close()


@pytest.fixture
def log(store: Store) -> EventLog:
    """A log on the store."""
    return store.open()


@pytest.fixture
def topic(store: Store) -> str:
    """A topic of the test's own, of three partitions where the store knows more than one."""
    return store.topic()
