"""Changes that the event log may not have are looked for every few seconds: not among all tasks there ever were."""

import sqlalchemy as sa
from alembic import op

revision = "tasks_0002"
down_revision = "tasks_0001"
branch_labels = None
depends_on = None

_UNTOLD = sa.text("published_revision < revision")


def upgrade() -> None:
    """Make the index, which holds only tasks with such a change, and so next to none."""
    op.create_index("tasks_untold", "tasks", ["owner", "id"], sqlite_where=_UNTOLD, postgresql_where=_UNTOLD)


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("tasks_untold", "tasks")
