"""Projects, and the projection of tasks with what happened to them."""

import sqlalchemy as sa
from alembic import op

revision = "gateway_0001"
down_revision = None
branch_labels = ("gateway",)
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "projects",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "projected_tasks",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("project", sa.String, nullable=False),
        sa.Column("task_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("parent_task", sa.String, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger),
        sa.Column("task", sa.LargeBinary, nullable=False),
    )
    op.create_index("projected_tasks_newest", "projected_tasks", ["project", "create_us", "name"])
    op.create_index("projected_tasks_by_id", "projected_tasks", ["task_id"])
    op.create_table(
        "task_records",
        sa.Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("event_id", "type", name="task_records_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("task_records_in_order", "task_records", ["task", "sequence"])
    op.create_table(
        "consumed_offsets",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("event_offset", sa.BigInteger, nullable=False),
    )
