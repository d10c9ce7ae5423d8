"""What is remembered of a task, held objects, kept plans, before-images; parked links, settled conflicts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and columns."""
    with op.batch_alter_table("link") as table:
        table.add_column(sa.Column("parked", sa.String(20)))
    with op.batch_alter_table("intent") as table:
        table.add_column(sa.Column("answered", sa.Boolean))
        table.add_column(sa.Column("hash", sa.Text))
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("kind", sa.String(10)))
    with op.batch_alter_table("conflict") as table:
        table.add_column(sa.Column("taken", sa.String(10)))
        table.add_column(sa.Column("taken_at", _MOMENT))
    op.create_table(
        "memory",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("forms", sa.Text, nullable=False),
        sa.Column("scope", sa.Text),
        sa.Column("cursors", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("task", name="pk_memory"),
    )
    op.create_table(
        "held",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("notion_id", sa.String(400), nullable=False),
        sa.Column("other_id", sa.String(400), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("next_try", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("task", "notion_id", "other_id", name="pk_held"),
    )
    op.create_table(
        "plan",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actions", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("applied_at", _MOMENT),
        sa.PrimaryKeyConstraint("task", "id", name="pk_plan"),
    )
    op.create_table(
        "effect",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("target_id", sa.String(400)),
        sa.Column("source_id", sa.String(400)),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_effect"),
    )
    op.create_index("ix_effect_run", "effect", ["run_id"])
    op.create_index("ix_effect_at", "effect", ["at"])


def downgrade() -> None:
    """Drop them."""
    for name in ("effect", "plan", "held", "memory"):
        op.drop_table(name)
    with op.batch_alter_table("conflict") as table:
        table.drop_column("taken_at")
        table.drop_column("taken")
    with op.batch_alter_table("run") as table:
        table.drop_column("kind")
    with op.batch_alter_table("intent") as table:
        table.drop_column("hash")
        table.drop_column("answered")
    with op.batch_alter_table("link") as table:
        table.drop_column("parked")
