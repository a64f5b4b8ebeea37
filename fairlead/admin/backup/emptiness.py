"""What a target of a restore holds already."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from fairlead.admin.backup import journal
from fairlead.admin.backup.artifacts import open_artifacts
from fairlead.admin.backup.errors import NotEmpty
from fairlead.admin.backup.events import EventStore
from fairlead.admin.backup.events_restore import is_same_log
from fairlead.admin.backup.manifest import EventsDump
from fairlead.admin.backup.settings import BackupSettings
from fairlead.admin.backup.snapshots import Snapshot, open_snapshots
from fairlead.admin.backup.tables import reflect
from fairlead.kit import backends

SHOWN = 5
# What a first start makes by itself: in a table, the rows that have this value in this column.
_MADE_AT_START = {
    ("gateway", "projects"): ("id", "default"),
    ("mlflow", "experiments"): ("name", "Default"),
    ("conductor-steps", "application_versions"): ("version_name", "1"),
    ("conductor-steps", "queues"): ("name", "workflows"),
}


def require_empty(settings: BackupSettings, store: EventStore, events: EventsDump) -> None:
    """Raise NotEmpty, saying what is there, where a target holds anything."""
    found = [*_rows(settings), *_stored(settings), *_events(store, events)]
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise NotEmpty(
            f"the target is not empty: it has {', '.join(found[:SHOWN])}{more}; restore into a new home, database and "
            "bucket, or empty these"
        )


def _rows(settings: BackupSettings) -> Iterator[str]:
    with open_snapshots(settings.databases) as snapshots:
        for snapshot in snapshots:
            yield from _rows_of(snapshot)


def _rows_of(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.connection is None:
        return
    name = snapshot.database.name
    for table in reflect(snapshot.connection, snapshot.schema):
        query = sa.select(sa.func.count()).select_from(table)
        if made := _MADE_AT_START.get((name, table.name)):
            query = query.where(table.c[made[0]] != made[1])
        if count := snapshot.connection.scalar(query):
            yield f"{count:,} rows in {name}'s table {table.name}"


def _stored(settings: BackupSettings) -> Iterator[str]:
    for key in backends.blob_store(settings).keys():  # noqa: SIM118 - a store is no mapping
        yield f"blobs such as {key}"
        break
    for path in open_artifacts(settings.trainer_mlflow_artifacts, settings).paths():
        yield f"MLflow artifacts such as {path}"
        break
    if any(journal.segments(settings.journal)):
        yield f"predictions that are not published yet in {settings.journal}"


def _events(store: EventStore, dump: EventsDump) -> Iterator[str]:
    same = {topic.name for topic in dump.topics if is_same_log(store, dump, topic)}
    for topic in store.topics():
        if topic not in same and (count := store.kept(topic)):
            yield f"{count:,} events in the topic {topic}"
