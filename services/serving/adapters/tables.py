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
)
deployment_outbox = sa.Table(
    "deployment_outbox",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("deployment", sa.String(255), nullable=False),
    sa.Column("event", sa.LargeBinary, nullable=False),
)
