"""From a service's settings to its database, event log and blob store: the one place that knows which is which."""

from __future__ import annotations

from sqlalchemy import Engine

from fairlead.kit.blobs import BlobStore, S3Options, open_blob_store
from fairlead.kit.database import open_database
from fairlead.kit.events import EventLog, open_event_log
from fairlead.kit.settings import KitSettings


def database(settings: KitSettings) -> Engine:
    """Return an engine for the service's own tables: a SQLite file of its own, or a schema of its own in PostgreSQL."""
    connections = settings.database_connections
    return open_database(settings.database_url, schema=settings.service, connections=connections)


def event_log(settings: KitSettings) -> EventLog:
    """Return the event log, which events of this service go to."""
    return open_event_log(settings.events_url, source=settings.service)


def blob_store(settings: KitSettings) -> BlobStore:
    """Return the blob store; copies of remote blobs are kept below home, for all services of the machine."""
    options = S3Options(
        endpoint_url=settings.s3_endpoint_url,
        public_endpoint_url=settings.s3_public_endpoint_url,
        region=settings.s3_region,
        encryption=settings.s3_server_side_encryption,
        kms_key_id=settings.s3_kms_key_id,
    )
    cache = settings.home / "cache" / "blobs"
    return open_blob_store(settings.blobs_url, cache, s3=options, cache_mb=settings.blob_cache_mb)
