"""The table of workflows."""

import sqlalchemy as sa
from alembic import op

revision = "conductor_0001"
down_revision = None
branch_labels = ("conductor",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "workflows",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("project", sa.String, nullable=False, index=True),
        sa.Column("workflow", sa.LargeBinary, nullable=False),
        sa.Column("relayed", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("workflows")
