"""States that a person must hear of, and what was told of them to whom; what happened in runs, counted."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer, autoincrement=True),
        sa.Column("key", sa.String(500), nullable=False),
        sa.Column("open_key", sa.String(500)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("task", sa.String(200)),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("mend", sa.Text, nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("told_at", moment),
        sa.Column("over_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
        sa.UniqueConstraint("open_key", name="uq_alert_open_key"),
    )
    op.create_index("ix_alert_over_at", "alert", ["over_at"])
    op.create_table(
        "alert_message",
        sa.Column("alert_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("sink", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try", moment),
        sa.Column("sent_at", moment),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "number", "sink", name="pk_alert_message"),
    )
    op.create_index("ix_alert_message_next_try", "alert_message", ["next_try"])
    op.create_table(
        "tally",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("task", "name", name="pk_tally"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("tally")
    op.drop_table("alert_message")
    op.drop_table("alert")
