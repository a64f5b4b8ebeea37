"""An installation that was never started: a few rows, blobs, events and unpublished predictions, made in no time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from fairlead.admin.backup import BackupSettings
from fairlead.admin.backup.manifest import Manifest
from fairlead.admin.backup.migrations import make_tables
from fairlead.admin.backup.settings import Database
from fairlead.admin.backup.tables import reflect
from fairlead.api.events.v1.events_pb2 import PredictionBatch
from fairlead.kit import backends
from fairlead.kit.database import open_database
from fairlead.kit.events import Draft, SpoolLimits, topics
from fairlead.kit.events.cloud_events import Envelope
from fairlead.kit.events.spool.queue import SpoolQueue
from fairlead.kit.events.sqlite import SqliteEventLog

MADE = datetime(2026, 1, 31, 17, 1, 3, 123456, tzinfo=UTC)
EVENTS, DONE, WAITING = 7, 4, 3
SEGMENT = b"a segment of the journal"


def said(_sentence: str) -> None:
    """Hear what is said of progress."""


def place(home: Path, database_url: str = "") -> BackupSettings:
    """Return the settings of an installation below a home, with all back ends there but perhaps the database."""
    return BackupSettings(
        home=home,
        database_url=database_url or f"sqlite:///{home}/backup.db",
        events_url=f"sqlite:///{home}/events.db",
        blobs_url=f"file://{home}/blobs",
    )


def database(settings: BackupSettings, name: str) -> Database:
    """Return a database by name."""
    return next(found for found in settings.databases if found.name == name)


def open_named(settings: BackupSettings, name: str) -> Engine:
    """Return an engine of a database."""
    found = database(settings, name)
    return open_database(found.url, found.schema)


def fill(settings: BackupSettings, *, gateway_revisions: tuple[str, ...] = ()) -> str:
    """Make the installation and return the key of its blob."""
    key = backends.blob_store(settings).put_bytes(b"a blob").key
    for name, revisions in (("gateway", gateway_revisions), ("serving", ()), ("conductor", ())):
        make_tables(database(settings, name), revisions)
    _fill_tables(settings, key)
    folder = settings.home / "package"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"\x08\x07")
    backends.blob_store(settings).put_folder(folder, "models/default/m/t1")
    _fill_events(settings)
    settings.journal.mkdir(parents=True)
    (settings.journal / "000000000007.sealed").write_bytes(SEGMENT)
    return key


def _fill_tables(settings: BackupSettings, key: str) -> None:
    insert(settings, "gateway", "projects", id="p", display_name="naïve 数据", create_time=MADE)
    insert(
        settings,
        "gateway",
        "task_records",
        sequence=5,
        task="t",
        type="LOG",
        event_id="e",
        time_us=2**62,
        ended=True,
        payload=b"\x00\xff" + key.encode(),
    )
    insert(settings, "conductor", "workflows", id="w", project="p", workflow=b"\x01", relayed={"t": [1, 2], "n": None})
    # The number of an event that was published and deleted since: it must not be given again.
    assert next_number(settings) == 1
    with open_named(settings, "serving").begin() as connection:
        connection.execute(sa.text("DELETE FROM deployment_outbox"))


def insert(settings: BackupSettings, name: str, table: str, **values: Any) -> None:
    """Insert a row as the service would; columns that are not named are filled in as far as they must be."""
    engine = open_named(settings, name)
    with engine.begin() as connection:
        found = next(each for each in reflect(connection, None) if each.name == table)
        plain = {key: _as_stored(found.c[key], value, engine) for key, value in values.items()}
        missing = {c.name: _something(c) for c in found.c if c.name not in values and _is_needed(c)}
        connection.execute(sa.insert(found), {**missing, **plain})
    engine.dispose()


def rows(settings: BackupSettings, name: str, table: str) -> list[dict[str, Any]]:
    """Return a table's rows as the backup reads them."""
    engine = open_named(settings, name)
    with engine.connect() as connection:
        found = next(each for each in reflect(connection, None) if each.name == table)
        read = [dict(row) for row in connection.execute(sa.select(found)).mappings()]
    engine.dispose()
    return read


def next_number(settings: BackupSettings) -> int:
    """Return the number that the serving's outbox gives its next event."""
    statement = "INSERT INTO deployment_outbox (deployment, event{}) VALUES ('d', ''{}) RETURNING number"
    engine = open_named(settings, "serving")
    with engine.begin() as connection:
        found = next(each for each in reflect(connection, None) if each.name == "deployment_outbox")
        more = [c for c in found.c if c.name not in ("number", "deployment", "event") and _is_needed(c)]
        names, values = "".join(f", {c.name}" for c in more), "".join(f", '{_something(c)}'" for c in more)
        number = connection.execute(sa.text(statement.format(names, values))).scalar_one()
    engine.dispose()
    return int(number)


def _is_needed(column: sa.Column[Any]) -> bool:
    return not column.nullable and column.server_default is None and not column.primary_key


def _something(column: sa.Column[Any]) -> Any:
    return column.type.python_type()


def _as_stored(column: sa.Column[Any], value: Any, engine: Engine) -> Any:
    import json

    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, datetime) and engine.dialect.name == "sqlite":
        return value.replace(tzinfo=None)
    return value


def _fill_events(settings: BackupSettings) -> None:
    log = backends.event_log(settings)
    log.publish_many(
        topics.PREDICTIONS, (Draft("d", PredictionBatch(deployment="d"), f"id-{i}") for i in range(EVENTS))
    )
    with log.subscribe([topics.PREDICTIONS], "drift") as subscription:
        assert len(subscription.poll(max_events=DONE)) == DONE
        subscription.commit()
    log.close()
    settings.spools.mkdir()
    spool(settings, *(f"waits-{i}" for i in range(WAITING)))


def spool(settings: BackupSettings, *names: str) -> None:
    """Let events of these ids wait for Kafka."""
    queue = SpoolQueue(SpoolLimits(settings.spools / "drift.db"))
    queue.put(topics.ALERTS, [Envelope("d", name, "T", "drift", i, {"a": "b"}, b"p") for i, name in enumerate(names)])
    queue.close()


def deploy(settings: BackupSettings, name: str, package: str) -> None:
    """Insert a deployment of a model's package."""
    insert(
        settings, "serving", "deployments", project="p", id=name, package_blob=package, create_time=MADE,
        update_time=MADE,
    )  # fmt: skip


def subscribe_all(settings: BackupSettings) -> None:
    """Do to the log what a start does: every service joins its groups and finds nothing."""
    log = backends.event_log(settings)
    for group in ("gateway", "drift"):
        with log.subscribe(topics.ALL, group) as subscription:
            assert subscription.poll(timeout=0.0) == []
    log.close()


def events(settings: BackupSettings, topic: str) -> list[tuple[int, str]]:
    """Return the offset and id of each event of a topic."""
    log = backends.event_log(settings)
    found = [(event.offset, event.id) for event in log.replay(topic)]
    log.close()
    return found


def next_events(settings: BackupSettings, topic: str, group: str) -> list[str]:
    """Return the ids of the events that a group gets next."""
    log = backends.event_log(settings)
    assert isinstance(log, SqliteEventLog)
    with log.subscribe([topic], group) as subscription:
        found = [event.id for event in subscription.poll()]
    log.close()
    return found


def revisions(manifest: Manifest, name: str) -> tuple[str, ...]:
    """Return the revisions of a database in a backup."""
    return next(dump.revisions for dump in manifest.databases if dump.name == name)
