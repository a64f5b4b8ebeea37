"""From a service's settings to its database, event log and blob store: the one place that knows which is which."""

from __future__ import annotations

from sqlalchemy import Engine

from fairlead.kit.blobs import BlobStore, S3Options, open_blob_store
from fairlead.kit.database import open_database
from fairlead.kit.events import EventLog, KafkaOptions, SpoolLimits, open_event_log
from fairlead.kit.settings import KitSettings


def database(settings: KitSettings) -> Engine:
    """Return an engine for the service's own tables: a SQLite file of its own, or a schema of its own in PostgreSQL."""
    connections = settings.database_connections
    return open_database(settings.database_url, schema=settings.service, connections=connections)


def event_log(settings: KitSettings, *, spool: bool = True) -> EventLog:
    """Return the event log, which events of this service go to.

    While Kafka is away they wait on local disk, below home; with `spool=False` publishing fails instead, for those who
    keep what they publish until it is.
    """
    limits = SpoolLimits(
        settings.home / "spool" / f"{settings.service}.db",
        settings.events_spool_mb * 1024 * 1024,
        settings.events_spool_full,
    )
    return open_event_log(
        settings.events_url,
        source=settings.service,
        kafka=kafka_options(settings),
        spool=limits if spool else None,
    )


def kafka_options(settings: KitSettings) -> KafkaOptions:
    """Return how the brokers of a Kafka event log are spoken to."""
    return KafkaOptions(
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        ca_file=settings.kafka_ca_file,
    )


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
