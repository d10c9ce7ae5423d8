"""To which objects the bases of links refer, so that those are found which refer to an object."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

#: Links that are looked at in one go.
_BATCH = 500
#: Ids that one query asks for.
_AT_ONCE = 500
_ENDS = ("left", "right")
_LONGEST = 400


def upgrade() -> None:
    """Add the table, and fill it from the links that are there."""
    op.create_table(
        "reference",
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("object_id", sa.String(400), nullable=False),
        sa.Column("left_id", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("task", "side", "object_id", "left_id", name="pk_reference"),
    )
    _fill(op.get_bind())
    op.create_index("ix_reference_task_left", "reference", ["task", "left_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("reference")


def _fill(connection: sa.Connection) -> None:
    link, reference = _tables()
    row = link.c
    told = row.left_values.contains('"references"') | row.right_values.contains('"references"')
    found = sa.select(row.task, row.left_id, row.left_values, row.right_values).where(told)
    ordered = found.order_by(row.task, row.left_id).limit(_BATCH)
    # Without a shape, the next run looks at it.
    look = (
        sa.update(link)
        .where(row.task == sa.bindparam("of_task"), row.left_id == sa.bindparam("of_id"))
        .values(shape=None)
    )
    some = connection.execute(ordered).all()
    while some:
        said = {(one.task, one.left_id): _Said(one.left_values, one.right_values) for one in some}
        rows = [
            {"task": task, "side": side, "object_id": object_id, "left_id": left_id}
            for (task, left_id), one in said.items()
            for side, object_id in sorted(one.ids)
            if _may_be_linked(connection, object_id)
        ]
        if rows:
            connection.execute(sa.insert(reference), rows)
        asked = {(task, *named) for (task, _), one in said.items() for named in one.ids}
        linked = _linked(connection, link, asked)
        stirred = [key for key, one in said.items() if not one.stands(key[0], linked)]
        if stirred:
            connection.execute(look, [{"of_task": task, "of_id": left_id} for task, left_id in stirred])
        task, left_id = some[-1].task, some[-1].left_id
        after = (row.task > task) | ((row.task == task) & (row.left_id > left_id))
        some = connection.execute(ordered.where(after)).all()


class _Said:
    """To what two bases refer."""

    def __init__(self, *texts: str) -> None:
        self.links: set[tuple[str, str]] = set()
        self.alone: set[tuple[str, str]] = set()
        #: Whether all of it is in the form in which it is shown.
        self.as_shown = True
        for end, text in zip(_ENDS, texts, strict=True):
            for links, alone in _references(text):
                pairs = [(left, right) for left, right in links]
                self.as_shown &= (
                    pairs == sorted(set(pairs)) and alone == sorted(set(alone)) and "" not in alone
                )
                self.links |= set(pairs)
                self.alone |= {(end, one) for one in alone}

    @property
    def ids(self) -> set[tuple[str, str]]:
        """The objects that they name, each with its end."""
        return self.alone | {one for pair in self.links for one in zip(_ENDS, pair, strict=True)}

    def stands(self, task: str, linked: set[tuple[str, ...]]) -> bool:
        """Whether what was linked is, and nothing else of it; `linked` has tasks, and a pair or an end and an id."""
        tied = {(task, "pair", *pair) for pair in self.links}
        return self.as_shown and tied <= linked and linked.isdisjoint((task, *one) for one in self.alone)


def _linked(
    connection: sa.Connection, link: sa.TableClause, asked: set[tuple[str, str, str]]
) -> set[tuple[str, ...]]:
    """The pairs of which one of these objects is, and those of the objects that are in one, each with its task."""
    row = link.c
    columns = {"left": row.left_id, "right": row.right_id}
    wanted: dict[tuple[str, str], list[str]] = {}
    for task, end, one in sorted(asked):
        if _may_be_linked(connection, one):
            wanted.setdefault((task, end), []).append(one)
    query = sa.select(row.task, row.left_id, row.right_id)
    linked: set[tuple[str, ...]] = set()
    for (task, end), ids in wanted.items():
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            for found in connection.execute(query.where(row.task == task, columns[end].in_(some))):
                linked.add((task, "pair", found.left_id, found.right_id))
                linked |= {(task, "left", found.left_id), (task, "right", found.right_id)}
    return linked


def _references(text: str) -> Iterator[tuple[Any, Any]]:
    try:
        base = json.loads(text)
    except ValueError:  # a run tells of it when it comes to it
        return
    for value in base.values() if isinstance(base, dict) else ():
        if isinstance(value, dict) and value.keys() == {"$type", "value"} and value["$type"] == "references":
            yield value["value"][0], value["value"][1]


def _may_be_linked(connection: sa.Connection, object_id: str) -> bool:
    return connection.dialect.name != "postgresql" or ("\0" not in object_id and len(object_id) <= _LONGEST)


def _tables() -> tuple[sa.TableClause, sa.TableClause]:
    link = sa.table(
        "link",
        *(
            sa.column(name)
            for name in ("task", "left_id", "right_id", "left_values", "right_values", "shape")
        ),
    )
    reference = sa.table("reference", *(sa.column(name) for name in ("task", "side", "object_id", "left_id")))
    return link, reference
