"""When a person rejected a plan that a guard halted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("plan") as table:
        table.add_column(sa.Column("rejected_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("plan") as table:
        table.drop_column("rejected_at")
