"""The table of tasks."""

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "tasks_0001"
down_revision = None
branch_labels = ("tasks",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(63), nullable=False),
        sa.Column("owner", sa.String(63), nullable=False),
        sa.Column("request_id", sa.String(255)),
        sa.Column("request_type", sa.String(255), nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("stage", sa.String(255), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("error_code", sa.String(63), nullable=False),
        sa.Column("resource", sa.String(511), nullable=False),
        sa.Column("parent_task", sa.String(255), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("result", sa.LargeBinary),
        sa.Column("traceparent", sa.String(255), nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
        sa.Column("start_time", UtcDateTime),
        sa.Column("end_time", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("published_revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("project", "request_id", name="tasks_request"),
    )
    op.create_index("tasks_by_project", "tasks", ["project", "id"])
    op.create_index("tasks_by_owner", "tasks", ["owner", "state"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("tasks")
