"""That a run which knew every link had nothing to do."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: nothing is known of any task yet."""
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("lull", sa.Text()))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("node") as table:
        table.drop_column("lull")
