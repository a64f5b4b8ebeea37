"""Where the rows of a logged request begin: a large one comes in several parts."""

import sqlalchemy as sa
from alembic import op

revision = "drift_0003"
down_revision = "drift_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there already is from the first row on."""
    op.add_column("drift_requests", sa.Column("first_row", sa.Integer, nullable=False, server_default="0"))
