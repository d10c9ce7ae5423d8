"""What people call the objects: a title, and the address where there is one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. What is there already has no name, and shows ids."""
    for name in ("conflict", "held", "effect"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("title", sa.Text))
            table.add_column(sa.Column("address", sa.Text))
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("names", sa.Text))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("run") as table:
        table.drop_column("names")
    for name in ("effect", "held", "conflict"):
        with op.batch_alter_table(name) as table:
            table.drop_column("address")
            table.drop_column("title")
