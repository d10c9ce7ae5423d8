"""Who has marked a line of the ledger as seen, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("conflict") as table:
        table.add_column(sa.Column("done_at", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("done_by", sa.Text()))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("conflict") as table:
        table.drop_column("done_by")
        table.drop_column("done_at")
