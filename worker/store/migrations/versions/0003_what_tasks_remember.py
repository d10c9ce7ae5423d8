"""What a task itself wants to know again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("memory") as table:
        table.add_column(sa.Column("own", sa.Text))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("memory") as table:
        table.drop_column("own")
