"""The service's own tables, as the newest revision in migrations/ leaves them."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from fairlead.kit.database import UtcDateTime

MIGRATIONS = Path(__file__).parent / "migrations"

metadata = sa.MetaData()
deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("project", sa.String(63), primary_key=True),
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("model_version", sa.String(255), nullable=False),
    sa.Column("package_blob", sa.String(255), nullable=False),
    sa.Column("etag", sa.String(63), nullable=False),
    sa.Column("create_time", UtcDateTime, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
    sa.Column("in_rollout", sa.Boolean, nullable=False),
    sa.Column("schedule_error", sa.Text, nullable=False),
    sa.Column("pinned", sa.Boolean, nullable=False),
    sa.Column("log_sampling_rate", sa.Float, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)
# A row a target: split 0 is the one that answers, PREVIOUS what a rollback returns to, 1 and up are steps to come.
deployment_targets = sa.Table(
    "deployment_targets",
    metadata,
    sa.Column("project", sa.String(63), primary_key=True),
    sa.Column("deployment", sa.String(63), primary_key=True),
    sa.Column("split", sa.Integer, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("step_time", UtcDateTime, nullable=True),
    sa.Column("model_version", sa.String(255), nullable=False),
    sa.Column("package_blob", sa.String(255), nullable=False),
    sa.Column("percent", sa.Float, nullable=False),
    sa.Column("shadow", sa.Boolean, nullable=False),
    sa.Column("spans", sa.Text, nullable=False),
)
PREVIOUS, NOW = -1, 0
# One row, from the first change on: how many there have been.
deployment_revision = sa.Table(
    "deployment_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
)
deployment_outbox = sa.Table(
    "deployment_outbox",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("deployment", sa.String(255), nullable=False),
    sa.Column("event", sa.LargeBinary, nullable=False),
)
