"""Which event log a backup is of."""

from __future__ import annotations

from pathlib import Path

from fairlead.admin.backup.events import EventStore
from fairlead.admin.backup.settings import BackupSettings
from fairlead.kit import backends

KAFKA, SQLITE = "kafka://", "sqlite:///"


def open_events(settings: BackupSettings) -> EventStore:
    """Return the event log of the settings. Raises Unavailable where Kafka is away."""
    if settings.events_url.startswith(KAFKA):
        from fairlead.admin.backup.events_kafka import KafkaEvents
        from fairlead.kit.events.kafka.options import cluster_of

        return KafkaEvents(cluster_of(settings.events_url, backends.kafka_options(settings)))
    from fairlead.admin.backup.events_sqlite import SqliteEvents

    return SqliteEvents(Path(settings.events_url.removeprefix(SQLITE)))
