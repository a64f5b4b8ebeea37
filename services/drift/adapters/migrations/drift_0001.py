"""The tables of the drift service."""

import sqlalchemy as sa
from alembic import op

from fairlead.kit.database import UtcDateTime

revision = "drift_0001"
down_revision = None
branch_labels = ("drift",)
depends_on = None

# SQLite counts up only a plain INTEGER key.
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _watching()
    _history()
    _feedback()


def _watching() -> None:
    op.create_table(
        "drift_monitors",
        sa.Column("deployment", sa.String, primary_key=True),
        sa.Column("project", sa.String, nullable=False, index=True),
        sa.Column("model_version", sa.String, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("prediction_count", sa.BigInteger, nullable=False),
        sa.Column("window_count", sa.BigInteger, nullable=False),
        sa.Column("alert_count", sa.BigInteger, nullable=False),
        sa.Column("feedback_count", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
        sa.Column("last_window_time", UtcDateTime),
        sa.Column("deployment_time", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "drift_versions",
        sa.Column("deployment", sa.String, primary_key=True),
        sa.Column("model_version", sa.String, primary_key=True),
        sa.Column("reference", sa.LargeBinary, nullable=False),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("open_window_rows", sa.BigInteger, nullable=False),
        sa.Column("performance", sa.Text, nullable=False),
    )
    op.create_table(
        "drift_consumed",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )


def _history() -> None:
    op.create_table(
        "drift_reports",
        sa.Column("sequence", SEQUENCE, primary_key=True),
        sa.Column("deployment", sa.String, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("drift_reports_by_deployment", "drift_reports", ["deployment", "sequence"])
    op.create_table(
        "drift_alerts",
        sa.Column("sequence", SEQUENCE, primary_key=True),
        sa.Column("project", sa.String, nullable=False),
        sa.Column("deployment", sa.String, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False, index=True),
    )
    op.create_index("drift_alerts_by_deployment", "drift_alerts", ["deployment", "sequence"])
    op.create_index("drift_alerts_by_project", "drift_alerts", ["project", "sequence"])


def _feedback() -> None:
    op.create_table(
        "drift_requests",
        sa.Column("sequence", SEQUENCE, primary_key=True),
        sa.Column("deployment", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("truths", sa.Text, nullable=False),
    )
    op.create_index("drift_requests_by_id", "drift_requests", ["deployment", "request_id"])
    op.create_index("drift_requests_by_sequence", "drift_requests", ["deployment", "sequence"])
    op.create_table(
        "drift_early_truths",
        sa.Column("sequence", SEQUENCE, primary_key=True),
        sa.Column("deployment", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_index("drift_early_truths_by_id", "drift_early_truths", ["deployment", "request_id"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("early_truths", "requests", "alerts", "reports", "consumed", "versions", "monitors"):
        op.drop_table(f"drift_{table}")
