"""The first tables: link, intent, run, conflict, node."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "link",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("notion_id", sa.String(400), nullable=False),
        sa.Column("other_id", sa.String(400), nullable=False),
        sa.Column("notion", sa.Text, nullable=False),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("task", "notion_id", name="pk_link"),
        sa.UniqueConstraint("task", "other_id", name="uq_link_task_other_id"),
    )
    op.create_table(
        "intent",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("source_id", sa.String(400), nullable=False),
        sa.Column("target_id", sa.String(400)),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("task", "key", name="pk_intent"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("message_id", sa.String(200)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_task_started", "run", ["task", "started_at"])
    op.create_index("ix_run_message", "run", ["message_id"])
    op.create_table(
        "conflict",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("notion_id", sa.String(400), nullable=False),
        sa.Column("other_id", sa.String(400), nullable=False),
        sa.Column("attribute", sa.String(400)),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("notion", sa.Text, nullable=False),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("notion_edited", _MOMENT),
        sa.Column("other_edited", _MOMENT),
        sa.Column("winner", sa.String(10)),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conflict"),
        sa.UniqueConstraint("task", "fingerprint", name="uq_conflict_task_fingerprint"),
    )
    op.create_table(
        "node",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_node"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("node", "conflict", "run", "intent", "link"):
        op.drop_table(table)
