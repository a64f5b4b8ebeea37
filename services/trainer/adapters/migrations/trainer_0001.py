"""The tables of preparations, runs and model versions."""

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "trainer_0001"
down_revision = None
branch_labels = ("trainer",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "preparations",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("task", sa.String(255), nullable=False, unique=True),
        sa.Column("status", sa.String(15), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("leaderboard", sa.LargeBinary, nullable=False),
        sa.Column("winner_blob", sa.String(255), nullable=False),
        sa.Column("told_mlflow", sa.Boolean, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
    )
    op.create_index("runs_by_project", "runs", ["project", "task"])
    op.create_table(
        "model_versions",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("model", sa.String(63), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("task", sa.String(255), nullable=False, unique=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("model_versions", "runs", "preparations"):
        op.drop_table(table)
