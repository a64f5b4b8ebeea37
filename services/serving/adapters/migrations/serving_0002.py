"""Traffic splits among model versions, with steps to come and what a rollback returns to; a number of all changes."""

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "serving_0002"
down_revision = "serving_0001"
branch_labels = None
depends_on = None

# One version alone owns every slot of the routing keys.
EVERYTHING = "[[0, 1000000]]"


def upgrade() -> None:
    """Make the tables; each deployment so far has one version, which answers everything."""
    op.create_table(
        "deployment_targets",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("deployment", sa.String(63), primary_key=True),
        sa.Column("split", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step_time", UtcDateTime, nullable=True),
        sa.Column("model_version", sa.String(255), nullable=False),
        sa.Column("package_blob", sa.String(255), nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("spans", sa.Text, nullable=False),
    )
    op.execute(
        sa.text(
            "INSERT INTO deployment_targets "
            "(project, deployment, split, place, model_version, package_blob, percent, shadow, spans) "
            "SELECT project, id, 0, 0, model_version, package_blob, 100, :shadow, :spans FROM deployments"
        ).bindparams(sa.bindparam("shadow", False, sa.Boolean), sa.bindparam("spans", EVERYTHING, sa.Text))
    )
    for column in (
        sa.Column("in_rollout", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("schedule_error", sa.Text, nullable=False, server_default=""),
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("log_sampling_rate", sa.Float, nullable=False, server_default="0"),
        sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("deployments", column)
    op.create_table(
        "deployment_revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
