"""When an older copy of the database was noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("restored_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("node") as table:
        table.drop_column("restored_at")
