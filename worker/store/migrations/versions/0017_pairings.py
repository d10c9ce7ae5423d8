"""A word of each task that is another one once its pairs are others."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: no task that refers to another one has noted a word yet."""
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("pairing", sa.String(32)))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("node") as table:
        table.drop_column("pairing")
