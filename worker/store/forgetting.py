"""A task that forgets what it has linked, as if it had never run; its history stays."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import delete, func, select, update

from worker.store import schema
from worker.store.database import Database
from worker.store.tables.fences import take_fence
from worker.store.tables.numbers import fresh

#: What goes. Runs, ledger and before-images are no state of the pairs: they stay, and so do pauses and times.
_FORGOTTEN = (schema.link, schema.intent, schema.memory, schema.held, schema.plan)


def forgotten_of(store: Database, task: str) -> Counter[str]:
    """How many rows a task would forget, by table."""
    with store.read() as connection:
        counts = {
            table.name: int(
                connection.scalar(select(func.count()).select_from(table).where(table.c.task == task)) or 0
            )
            for table in _FORGOTTEN
        }
    return +Counter(counts)


def forget(store: Database, task: str, fence: int) -> None:
    """Forget it all, in one transaction.

    Args:
        store: where it is kept.
        task: whose it is.
        fence: of the lock that is held; older sessions write no more.

    Raises:
        LockLostError: another session has taken it over.
    """
    with store.write() as connection:
        take_fence(connection, task, fence)
        for table in _FORGOTTEN:
            connection.execute(delete(table).where(table.c.task == task))
        connection.execute(delete(schema.reference).where(schema.reference.c.task == task))
        connection.execute(
            update(schema.node).where(schema.node.c.id == task).values(linked=None, parked=None, **fresh())
        )
