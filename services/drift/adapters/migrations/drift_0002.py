"""Consumed events by id, where they were by offset: offsets tell nothing across partitions."""

import sqlalchemy as sa
from alembic import op

revision = "drift_0002"
down_revision = "drift_0001"
branch_labels = None
depends_on = None

# SQLite counts up only a plain INTEGER key.
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table of ids and drop that of offsets; the consumer group's own position leads on from there."""
    op.create_table(
        "drift_consumed_events",
        sa.Column("sequence", SEQUENCE, primary_key=True),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.UniqueConstraint("topic", "event_id", name="drift_consumed_events_once"),
    )
    op.create_index("drift_consumed_events_newest", "drift_consumed_events", ["topic", "sequence"])
    op.drop_table("drift_consumed")
