"""Which process holds a task, so that one of several does not take up what another is doing."""

import sqlalchemy as sa
from alembic import op

revision = "tasks_0003"
down_revision = "tasks_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of processes; tasks so far are held by none, and go to the first that recovers."""
    op.create_table(
        "task_holders",
        sa.Column("id", sa.String(191), primary_key=True),
        sa.Column("owner", sa.String(63), nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.add_column("tasks", sa.Column("holder", sa.String(191), nullable=True))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("tasks", "holder")
    op.drop_table("task_holders")
