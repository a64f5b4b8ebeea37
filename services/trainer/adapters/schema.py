"""The trainer's tables, made by migrations/trainer_0001.py."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from fairlead.kit.database import UtcDateTime

MIGRATIONS = Path(__file__).parent / "migrations"
_METADATA = sa.MetaData()

preparations = sa.Table(
    "preparations",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("project", sa.String),
    sa.Column("payload", sa.LargeBinary),
    sa.Column("create_time", UtcDateTime),
)

# A row's id is the MLflow run's. `told_mlflow` is false while a run has ended here and MLflow does not know it yet.
runs = sa.Table(
    "runs",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("project", sa.String),
    sa.Column("task", sa.String),
    sa.Column("status", sa.String),
    sa.Column("payload", sa.LargeBinary),
    sa.Column("leaderboard", sa.LargeBinary),
    sa.Column("winner_blob", sa.String),
    sa.Column("told_mlflow", sa.Boolean),
    sa.Column("create_time", UtcDateTime),
)

model_versions = sa.Table(
    "model_versions",
    _METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("task", sa.String),
    sa.Column("payload", sa.LargeBinary),
    sa.Column("create_time", UtcDateTime),
)
