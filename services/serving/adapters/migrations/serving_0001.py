"""Deployments, and the events that tell of their changes until they are published."""

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "serving_0001"
down_revision = None
branch_labels = ("serving",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "deployments",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("model_version", sa.String(255), nullable=False),
        sa.Column("package_blob", sa.String(255), nullable=False),
        sa.Column("etag", sa.String(63), nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
        sa.Column("update_time", UtcDateTime, nullable=False),
    )
    op.create_table(
        "deployment_outbox",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("deployment", sa.String(255), nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("deployment_outbox")
    op.drop_table("deployments")
