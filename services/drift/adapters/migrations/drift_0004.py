"""Experiments: the splits of a deployment's traffic, what each arm did in them, and predictions of shadows."""

import json

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "drift_0004"
down_revision = "drift_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables and columns; what serves today is the first experiment of each deployment, of one version."""
    _requests()
    op.add_column("drift_monitors", sa.Column("sampling_rate", sa.Float, nullable=False, server_default="1"))
    # Of before: every prediction was logged.
    op.add_column("drift_monitors", sa.Column("answered_rows", sa.Float, nullable=False, server_default="0"))
    op.execute("UPDATE drift_monitors SET answered_rows = prediction_count")
    op.create_table(
        "drift_splits",
        sa.Column("deployment", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("begin_time", UtcDateTime, nullable=False),
        sa.Column("targets", sa.Text, nullable=False),
    )
    op.create_table(
        "drift_arms",
        sa.Column("deployment", sa.String, primary_key=True),
        sa.Column("split", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model_version", sa.String, primary_key=True),
        sa.Column("shadow", sa.Boolean, primary_key=True),
        sa.Column("sums", sa.Text, nullable=False),
    )
    _begin()


def _requests() -> None:
    op.add_column("drift_requests", sa.Column("shadow", sa.Boolean, nullable=False, server_default=sa.false()))
    # In no split, so in no experiment: nobody knows how wrong the truths so far were.
    op.add_column("drift_requests", sa.Column("split", sa.Integer, nullable=False, server_default="0"))
    op.add_column("drift_requests", sa.Column("losses", sa.Text, nullable=False, server_default=""))


def _begin() -> None:
    monitors = sa.table(
        "drift_monitors",
        sa.column("deployment", sa.String),
        sa.column("model_version", sa.String),
        sa.column("create_time", UtcDateTime),
        sa.column("deployment_time", UtcDateTime),
    )
    splits = sa.table(
        "drift_splits",
        sa.column("deployment", sa.String),
        sa.column("number", sa.Integer),
        sa.column("experiment", sa.Integer),
        sa.column("begin_time", UtcDateTime),
        sa.column("targets", sa.Text),
    )
    connection = op.get_bind()
    begun = [
        {
            "deployment": each.deployment,
            "number": 1,
            "experiment": 1,
            "begin_time": each.deployment_time or each.create_time,
            "targets": json.dumps([[each.model_version, 100.0, False]]),
        }
        for each in connection.execute(sa.select(monitors))
    ]
    if begun:
        connection.execute(sa.insert(splits), begun)
