"""Positions by partition, and the revision of a projected task."""

import sqlalchemy as sa
from alembic import op

revision = "gateway_0002"
down_revision = "gateway_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of positions, take over what the embedded log's one partition has, and drop the former one."""
    op.create_table(
        "consumed_positions",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("event_offset", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO consumed_positions SELECT topic, 0, event_offset FROM consumed_offsets")
    op.drop_table("consumed_offsets")
    op.add_column("projected_tasks", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
