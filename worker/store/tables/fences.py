"""How far each node has come: the fence that no older session gets past.

It also tells whether the database is an older copy of itself, which has not come as far as its tasks had.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tasks.errors import LockLostError, StateError
from worker.store import schema

_TAKE = update(schema.node).where(
    schema.node.c.id == bindparam("of_node"), schema.node.c.fence <= bindparam("of_fence")
)

_FENCE = select(schema.node.c.fence).where(schema.node.c.id == bindparam("of_node"))

_HOLD = update(schema.node).where(
    schema.node.c.id == bindparam("of_node"), schema.node.c.fence == bindparam("of_fence")
)

_HOLD_AND_STIR = _HOLD.values(fence=bindparam("fence"), lull=null())


def take_fence(connection: Connection, node: str, fence: int) -> None:
    """See in the same transaction to it that no newer session has written for the node.

    Raises:
        LockLostError: one has.
    """
    taken = {"of_node": node, "of_fence": fence, "fence": fence}
    if connection.execute(_TAKE, taken).rowcount:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(schema.node).values(id=node, fence=fence).on_conflict_do_nothing())
    if not connection.execute(_TAKE, taken).rowcount:
        raise LockLostError(f"another session of {node!r} has taken over; this one writes no more")


def hold_fence(connection: Connection, node: str, fence: int, *, stirs: bool = False) -> None:
    """See in the same transaction to it that the database still is the one that this session was entered in.

    Args:
        connection: in a transaction that writes.
        node: whose session it is.
        fence: of the session.
        stirs: whether the transaction ends a lull.

    Raises:
        LockLostError: a newer session has written for the node.
        StateError: it is another one, which does not know of this session.
    """
    hold = _HOLD_AND_STIR if stirs else _HOLD
    if connection.execute(hold, {"of_node": node, "of_fence": fence, "fence": fence}).rowcount:
        return
    if known_fence(connection, node) > fence:
        raise LockLostError(f"another session of {node!r} has taken over; this one writes no more")
    raise StateError(
        "another database was put in the place of the one that this run had begun with, which does not know of the "
        "run: it writes no more. The next run says what is to be done"
    )


def place_of(fence: int, *, ended: bool) -> int:
    """How far a task has come with the run of this fence; more than with any run before."""
    return 2 * fence + ended


def fence_of(place: int) -> int:
    """The fence of the run with which a task had come so far."""
    return place // 2


def known_fence(connection: Connection, node: str) -> int:
    """The highest fence that wrote for a node, as far as this database knows; 0 where none did."""
    return int(connection.scalar(_FENCE, {"of_node": node}) or 0)


def known_place(connection: Connection, task: str) -> int:
    """How far a task has come, as far as this database knows."""
    run = schema.run.c
    running = select(run.id).where(run.task == task, run.status == "running").limit(1)
    return place_of(known_fence(connection, task), ended=connection.execute(running).first() is None)


def keep_in_mind(connection: Connection, task: str, restored_at: datetime | None) -> None:
    """Note when the database was found to be an older copy of itself; `None` where no run need care any more."""
    node = schema.node.c
    connection.execute(update(schema.node).where(node.id == task).values(restored_at=restored_at))
