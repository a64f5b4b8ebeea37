"""The gateway's tables, as the migrations leave them."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from fairlead.kit.database import UtcDateTime

MIGRATIONS = Path(__file__).parent / "migrations"
METADATA = sa.MetaData()

projects = sa.Table(
    "projects",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("display_name", sa.Text),
    sa.Column("create_time", UtcDateTime),
)

# A task as its last event told it.
projected_tasks = sa.Table(
    "projected_tasks",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("project", sa.String),
    sa.Column("task_id", sa.String),
    sa.Column("kind", sa.String),
    sa.Column("state", sa.Integer),
    sa.Column("parent_task", sa.String),
    sa.Column("create_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    sa.Column("task", sa.LargeBinary),
    sa.Column("revision", sa.BigInteger),
)

# What happened to tasks, in the order in which it is told; event_id and type tell a repeated delivery.
task_records = sa.Table(
    "task_records",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("task", sa.String),
    sa.Column("type", sa.String),
    sa.Column("event_id", sa.String),
    sa.Column("time_us", sa.BigInteger),
    sa.Column("ended", sa.Boolean),
    sa.Column("payload", sa.LargeBinary),
)

# How far each partition of a topic is in the tables above; stored in the same transaction.
consumed_positions = sa.Table(
    "consumed_positions",
    METADATA,
    sa.Column("topic", sa.String, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("event_offset", sa.BigInteger),
)
