"""Datasets, their versions and the versions' profiles."""

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "profiler_0001"
down_revision = None
branch_labels = ("profiler",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "datasets",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("dataset", sa.String(63), primary_key=True),
        sa.Column("latest_version", sa.Integer, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "dataset_versions",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("dataset", sa.String(63), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("sheet", sa.String(255), nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "profiles",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("dataset", sa.String(63), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("profiles", "dataset_versions", "datasets"):
        op.drop_table(table)
