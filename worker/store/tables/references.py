"""To which objects the bases of links refer, so that those are found which refer to an object.

A base refers to objects that were linked and to objects that were not (`tasks.merge.Referred`). A link has a shape only
as long as that is so still: where one of them is linked now or is linked no more, the next run has to look at it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from tasks.merge import ID, End, Link, referred
from tasks.values.references import Linked
from worker.store import schema
from worker.store.tables.ids import in_parts, may_be_kept

#: PostgreSQL keeps no longer id, so no link has one.
_LONGEST = 400

_ROW = schema.reference.c
_ID = {End.LEFT: schema.link.c.left_id, End.RIGHT: schema.link.c.right_id}

# Made once: SQLAlchemy takes longer to build such a statement than SQLite takes to carry it out.
_ANY = select(_ROW.left_id).where(_ROW.task == bindparam("of_task")).limit(1)
_FORGET = delete(schema.reference).where(
    _ROW.task == bindparam("of_task"), _ROW.left_id == bindparam("of_left_id")
)
_KEEP = insert(schema.reference)


def refers(connection: Connection, task: str) -> bool:
    """Whether the base of any link of a task refers to anything."""
    return connection.execute(_ANY, {"of_task": task}).first() is not None


def referring(task: str, end: End, ids: Sequence[ID]) -> Any:
    """The query for the left ids of links whose bases refer to some objects of an end."""
    return select(_ROW.left_id).where(_ROW.task == task, _ROW.side == end.value, _ROW.object_id.in_(ids))


def stir(connection: Connection, task: str, pairs: Collection[Linked]) -> None:
    """Have the next run look at what refers to these pairs, which are linked from now on, or are so no more."""
    link = schema.link.c
    for end in End:
        for some in in_parts(connection, (pair[end is End.RIGHT] for pair in pairs)):
            connection.execute(
                update(schema.link)
                .where(link.task == task, link.left_id.in_(referring(task, end, some)))
                .values(shape=None)
            )


def keep(connection: Connection, task: str, links: Iterable[Link]) -> None:
    """Note to what these links refer, in the place of what was noted of them."""
    some = list(links)
    forget(connection, task, [link.left_id for link in some])
    rows = [
        {"task": task, "side": end.value, "object_id": one, "left_id": link.left_id}
        for link in some
        for end, one in referred(link).ids
        if _may_be_linked(connection, one)
    ]
    if rows:
        connection.execute(_KEEP, rows)


def forget(connection: Connection, task: str, left_ids: Collection[ID]) -> None:
    """Note no more to what these links refer."""
    if left_ids:
        connection.execute(_FORGET, [{"of_task": task, "of_left_id": one} for one in left_ids])


def standing(
    connection: Connection, task: str, links: Sequence[Link], replaced: Mapping[ID, ID] | None = None
) -> frozenset[ID]:
    """The left ids of those of some links whose bases still say what both sides show.

    Args:
        connection: in which they are about to be kept.
        task: whose they are.
        links: all links that are kept with them.
        replaced: of left objects with another counterpart until now, what that was.
    """
    said = {link.left_id: referred(link) for link in links}
    if not any(said.values()):  # most tasks have no references
        return frozenset(said)
    wanted: dict[End, list[ID]] = {end: [] for end in End}
    for end, one in {one for each in said.values() for one in each.ids}:
        wanted[end].append(one)
    linked = _linked(connection, task, wanted) - set((replaced or {}).items())
    linked |= {(link.left_id, link.right_id) for link in links}
    ids = {one for pair in linked for one in zip(End, pair, strict=True)}
    return frozenset(left_id for left_id, one in said.items() if one.stands(linked, ids))


def _linked(connection: Connection, task: str, ids: Mapping[End, Collection[ID]]) -> set[Linked]:
    """The pairs of which one of these objects is."""
    link = schema.link.c
    return {
        (row.left_id, row.right_id)
        for end, wanted in ids.items()
        for some in in_parts(connection, wanted)
        for row in connection.execute(
            select(link.left_id, link.right_id).where(link.task == task, _ID[end].in_(some))
        )
    }


def _may_be_linked(connection: Connection, object_id: ID) -> bool:
    short = connection.dialect.name != "postgresql" or len(object_id) <= _LONGEST
    return short and may_be_kept(connection, object_id)
