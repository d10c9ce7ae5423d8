"""The two ends of a sync are called left and right, whatever services are there."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ENDS = {"notion": "left", "other": "right"}
_BACK = {new: old for old, new in _ENDS.items()}

_COLUMNS = {
    "link": {
        "notion_id": "left_id",
        "other_id": "right_id",
        "notion": "left_values",
        "other": "right_values",
    },
    "conflict": {
        "notion_id": "left_id",
        "other_id": "right_id",
        "notion": "left_value",
        "other": "right_value",
        "notion_edited": "left_edited",
        "other_edited": "right_edited",
    },
    "held": {"notion_id": "left_id", "other_id": "right_id"},
}

#: Where an end is named.
_NAMED = {
    "intent": ("side",),
    "effect": ("side",),
    "conflict": ("winner", "taken", "rule"),
    "link": ("parked",),
}


def upgrade() -> None:
    """Rename the columns and the ends in them. Plans that wait are made again by the next run."""
    for name, columns in _COLUMNS.items():
        with op.batch_alter_table(name) as table:
            for old, new in columns.items():
                table.alter_column(old, new_column_name=new)
    _rename_unique("uq_link_task_other_id", "uq_link_task_right_id", "right_id")
    _rename_ends(_ENDS)


def downgrade() -> None:
    """Rename them back."""
    for name, columns in _COLUMNS.items():
        with op.batch_alter_table(name) as table:
            for old, new in columns.items():
                table.alter_column(new, new_column_name=old)
    _rename_unique("uq_link_task_right_id", "uq_link_task_other_id", "other_id")
    _rename_ends(_BACK)


def _rename_unique(old: str, new: str, column: str) -> None:
    """Name the constraint after its column."""
    with op.batch_alter_table("link") as table:
        table.drop_constraint(old, type_="unique")
        table.create_unique_constraint(new, ["task", column])


def _rename_ends(ends: dict[str, str]) -> None:
    connection = op.get_bind()
    for name, columns in _NAMED.items():
        table = sa.table(name, *(sa.column(column) for column in columns))
        for column in columns:
            for old, new in ends.items():
                place = table.c[column]
                connection.execute(sa.update(table).where(place == old).values({column: new}))
    link = sa.table("link", sa.column("parked"))
    both = sa.update(link).where(link.c.parked == ",".join(ends))
    connection.execute(both.values(parked=",".join(ends.values())))
    memory = sa.table("memory", sa.column("task"), sa.column("cursors"))
    for task, cursors in connection.execute(sa.select(memory.c.task, memory.c.cursors)).all():
        known = {ends.get(end, end): cursor for end, cursor in json.loads(cursors).items()}
        connection.execute(sa.update(memory).where(memory.c.task == task).values(cursors=json.dumps(known)))
    connection.execute(sa.delete(sa.table("plan")))
