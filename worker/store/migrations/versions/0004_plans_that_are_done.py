"""By which run a plan was applied; what was pruned of runs and of their undo data."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("plan") as table:
        table.add_column(sa.Column("applied_by", sa.String(64)))
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("undo_pruned_at", sa.DateTime(timezone=True)))
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("runs_pruned", sa.Integer))


def downgrade() -> None:
    """Drop them."""
    for name, column in (("node", "runs_pruned"), ("run", "undo_pruned_at"), ("plan", "applied_by")):
        with op.batch_alter_table(name) as table:
            table.drop_column(column)
