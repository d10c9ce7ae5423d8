"""Pairs that are out of sight: found by an index, counted, and loaded where a change may be about them only."""

import hashlib
import json
from collections import Counter
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: Links that are looked at in one go.
_BATCH = 5000


def upgrade() -> None:
    """Add the column and the index, count these pairs, and say which of them no run need look at."""
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("parked", sa.Text()))
    there = sa.text("parked IS NOT NULL")
    op.create_index("ix_link_out_of_sight", "link", ["task"], sqlite_where=there, postgresql_where=there)
    link, node = _tables()
    connection = op.get_bind()
    _say_shapes(connection, link)
    _count(connection, link, node)


def downgrade() -> None:
    """Drop them; older versions look at these pairs in each run."""
    link, _ = _tables()
    op.get_bind().execute(sa.update(link).where(link.c.parked.is_not(None)).values(shape=None))
    op.drop_index("ix_link_out_of_sight", "link")
    with op.batch_alter_table("node") as table:
        table.drop_column("parked")


def _say_shapes(connection: sa.Connection, link: sa.TableClause) -> None:
    row = link.c
    found = sa.select(row.task, row.left_id, row.left_values, row.right_values).where(row.parked.is_not(None))
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
            if (shape := _shape(one.left_values, one.right_values)) is not None
        ]
        if said:
            connection.execute(say, said)
        task, left_id = some[-1].task, some[-1].left_id
        after = (row.task > task) | ((row.task == task) & (row.left_id > left_id))
        some = connection.execute(ordered.where(after)).all()


def _count(connection: sa.Connection, link: sa.TableClause, node: sa.TableClause) -> None:
    row = link.c
    query = sa.select(row.task, row.parked, sa.func.count()).where(row.parked.is_not(None))
    counted: dict[str, Counter[str]] = {}
    for task, parked, number in connection.execute(query.group_by(row.task, row.parked)):
        counted.setdefault(task, Counter())[parked] = number
    for task, numbers in counted.items():
        kept = json.dumps(dict(sorted(numbers.items())))
        connection.execute(sa.update(node).where(node.c.id == task).values(parked=kept))


def _shape(*texts: str) -> str | None:
    """A digest of the attributes that both bases have; none of one in which there is more than plain values."""
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
    # Runs look at what cannot be read, and at references, of which more is to be known: both are rare here.
    plain = not any(word in text for word in ('"odd"', '"opaque"', '"references"'))
    return base if isinstance(base, dict) and "$type" not in base and plain else None


def _tables() -> tuple[sa.TableClause, sa.TableClause]:
    link = sa.table(
        "link",
        *(sa.column(name) for name in ("task", "left_id", "left_values", "right_values", "parked", "shape")),
    )
    return link, sa.table("node", sa.column("id"), sa.column("parked"))
