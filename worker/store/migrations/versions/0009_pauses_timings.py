"""Tasks that are paused, and times that were set for one while it is scheduled."""

import sqlalchemy as sa
from alembic import op

from worker.store.schema import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "pause",
        sa.Column("task", sa.String(200), primary_key=True),
        sa.Column("since", Moment, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("until", Moment),
        sa.Column("ended_at", Moment),
    )
    op.create_table(
        "timing",
        sa.Column("task", sa.String(200), primary_key=True),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them; what is paused goes on."""
    op.drop_table("timing")
    op.drop_table("pause")
