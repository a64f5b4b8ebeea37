"""The tables of the drift service; as the migrations leave them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from fairlead.kit.database import UtcDateTime

METADATA = MetaData()

# SQLite counts up only a plain INTEGER key.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

MONITORS = Table(
    "drift_monitors",
    METADATA,
    Column("deployment", String, primary_key=True),
    Column("project", String, nullable=False, index=True),
    Column("model_version", String, nullable=False),
    Column("policy", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("prediction_count", BigInteger, nullable=False),
    Column("window_count", BigInteger, nullable=False),
    Column("alert_count", BigInteger, nullable=False),
    Column("feedback_count", BigInteger, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("last_window_time", UtcDateTime),
    Column("deployment_time", UtcDateTime),
    Column("revision", Integer, nullable=False),
    Column("sampling_rate", Float, nullable=False),
    Column("answered_rows", Float, nullable=False),
)
VERSIONS = Table(
    "drift_versions",
    METADATA,
    Column("deployment", String, primary_key=True),
    Column("model_version", String, primary_key=True),
    # drift.v1.Reference, serialised; empty where the model has none.
    Column("reference", LargeBinary, nullable=False),
    Column("watch", Text, nullable=False),
    Column("open_window_rows", BigInteger, nullable=False),
    Column("performance", Text, nullable=False),
)
REPORTS = Table(
    "drift_reports",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("deployment", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("drift_reports_by_deployment", "deployment", "sequence"),
)
ALERTS = Table(
    "drift_alerts",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("project", String, nullable=False),
    Column("deployment", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("published", Boolean, nullable=False, index=True),
    Index("drift_alerts_by_deployment", "deployment", "sequence"),
    Index("drift_alerts_by_project", "project", "sequence"),
)
REQUESTS = Table(
    "drift_requests",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("deployment", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("model_version", String, nullable=False),
    # When it was answered, in ns: a record that was logged twice is known by it.
    Column("time_ns", BigInteger, nullable=False),
    # Above 0 in the later parts of a request whose rows came in several events.
    Column("first_row", Integer, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("answers", Text, nullable=False),
    Column("truths", Text, nullable=False),
    # No caller had it.
    Column("shadow", Boolean, nullable=False),
    # The number of the split that it was answered in; 0 where it is in no experiment.
    Column("split", Integer, nullable=False),
    Column("losses", Text, nullable=False),
    Index("drift_requests_by_id", "deployment", "request_id"),
    Index("drift_requests_by_sequence", "deployment", "sequence"),
)
# Truths that came before their predictions.
EARLY_TRUTHS = Table(
    "drift_early_truths",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("deployment", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("row", Integer, nullable=False),
    Column("value", String, nullable=False),
    Index("drift_early_truths_by_id", "deployment", "request_id"),
)
# The events that are in the tables above, the newest of each topic: what comes again is skipped.
CONSUMED = Table(
    "drift_consumed_events",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("topic", String, nullable=False),
    Column("event_id", String, nullable=False),
    UniqueConstraint("topic", "event_id", name="drift_consumed_events_once"),
    Index("drift_consumed_events_newest", "topic", "sequence"),
)
# The splits of a deployment's traffic, numbered from 1.
SPLITS = Table(
    "drift_splits",
    METADATA,
    Column("deployment", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("experiment", Integer, nullable=False),
    Column("begin_time", UtcDateTime, nullable=False),
    Column("targets", Text, nullable=False),
)
# What a model version did in a split.
ARMS = Table(
    "drift_arms",
    METADATA,
    Column("deployment", String, primary_key=True),
    Column("split", Integer, primary_key=True, autoincrement=False),
    Column("model_version", String, primary_key=True),
    Column("shadow", Boolean, primary_key=True),
    Column("sums", Text, nullable=False),
)
