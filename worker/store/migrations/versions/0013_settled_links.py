"""Which links a run by changes need not know, and how many there are of each task."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

#: Links that are looked at in one go.
_BATCH = 5000


def upgrade() -> None:
    """Add the columns, and say it of the links that are there."""
    with op.batch_alter_table("link") as table:
        table.add_column(sa.Column("shape", sa.String(16)))
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("linked", sa.Integer()))
    link, node = _tables()
    connection = op.get_bind()
    _say_shapes(connection, link)
    counted = sa.select(sa.func.count()).where(link.c.task == node.c.id).scalar_subquery()
    connection.execute(sa.update(node).where(node.c.id.in_(sa.select(link.c.task))).values(linked=counted))
    op.create_index("ix_link_task_shape", "link", ["task", "shape"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_link_task_shape", "link")
    with op.batch_alter_table("node") as table:
        table.drop_column("linked")
    with op.batch_alter_table("link") as table:
        table.drop_column("shape")


def _say_shapes(connection: sa.Connection, link: sa.TableClause) -> None:
    row = link.c
    found = sa.select(row.task, row.left_id, row.left_values, row.right_values, row.parked)
    ordered = found.order_by(row.task, row.left_id).limit(_BATCH)
    say = (
        sa.update(link)
        .where(row.task == sa.bindparam("of_task"), row.left_id == sa.bindparam("of_id"))
        .values(shape=sa.bindparam("said"))
    )
    some = connection.execute(ordered).all()
    while some:
        said = [
            {"of_task": one.task, "of_id": one.left_id, "said": shape}
            for one in some
            if not one.parked and (shape := _shape(one.left_values, one.right_values)) is not None
        ]
        if said:
            connection.execute(say, said)
        task, left_id = some[-1].task, some[-1].left_id
        after = (row.task > task) | ((row.task == task) & (row.left_id > left_id))
        some = connection.execute(ordered.where(after)).all()


def _shape(*texts: str) -> str | None:
    """A digest of the attributes that both bases have; none of one in which a value could not be read."""
    bases = [_base(text) for text in texts]
    if any(base is None for base in bases):
        return None
    names = set.intersection(*(set(base or ()) for base in bases))
    text = "\0".join(sorted(names))
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def _base(text: str) -> dict[str, Any] | None:
    try:
        base = json.loads(text)
    except ValueError:  # a run tells of it when it comes to it
        return None
    return base if isinstance(base, dict) and "$type" not in base and '"odd"' not in text else None


def _tables() -> tuple[sa.TableClause, sa.TableClause]:
    link = sa.table(
        "link",
        *(sa.column(name) for name in ("task", "left_id", "left_values", "right_values", "parked", "shape")),
    )
    return link, sa.table("node", sa.column("id"), sa.column("linked"))
